import type { s3EventMiddleware } from '../../functions/events/s3-event-middleware.ts';

type Middleware = ReturnType<typeof s3EventMiddleware>;
type Request = Parameters<NonNullable<Middleware[number]['before']>>[0];

/** Runs a handler within its middleware in middy's order: in, and out again the other way, by `onError` after a throw. */
export async function runMiddleware(
  middleware: Middleware,
  handle: (call: unknown) => Promise<unknown>,
  event: object,
  context: object,
): Promise<unknown> {
  const request = { event, context, internal: {}, response: undefined, error: null } as unknown as Request;
  const outwards = middleware.toReversed();
  try {
    for (const { before } of middleware) await before?.(request);
    request.response = await handle(request.event);
    for (const { after } of outwards) await after?.(request);
  } catch (error) {
    request.response = undefined;
    request.error = error as Error;
    for (const { onError } of outwards) await onError?.(request);
    if (request.response === undefined) throw error;
  }
  return request.response;
}
