import type { Adopted, CompareParts } from './compare-parts.ts';

/** Says what was adopted, and how long the stream is with it. */
export function reportAdopted({ outbox, report }: Pick<CompareParts, 'outbox' | 'report'>, adopted: Adopted): void {
  const row = outbox.sql('SELECT stream_bytes FROM counters').get();
  report({ event: 'adopted', ...adopted, streamBytes: row?.stream_bytes as number });
}
