import * as z from 'zod';

const wakeEvent = z.looseObject({ Records: z.array(z.looseObject({ body: z.string().max(262_144) })).min(1) });
const wakeBody = z.looseObject({ reason: z.string() });

/** Why a function is woken, as its queue and its schedule say; null where somebody else calls it. */
export function reasonsOf(event: unknown): ReadonlySet<string> | null {
  const parsed = wakeEvent.safeParse(event);
  return parsed.success ? new Set(parsed.data.Records.map(({ body }) => reasonOf(body))) : null;
}

/** A schedule's event says nothing: time has passed. */
function reasonOf(body: string): string {
  try {
    const parsed = wakeBody.safeParse(JSON.parse(body));
    return parsed.success ? parsed.data.reason : 'time';
  } catch {
    return 'time';
  }
}
