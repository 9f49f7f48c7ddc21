import { useEffect, useState } from 'preact/hooks';
import { stopReading } from '../actions.ts';
import { LONG_MS, span } from '../words.ts';

/** What the page waits for, for how long, and a way to stop waiting. */
export function BusyBar({ busy, canStop }: { readonly busy: string | null; readonly canStop: boolean }) {
  const [sinceMs, setSinceMs] = useState(0);
  useEffect(() => {
    const beganMs = Date.now();
    setSinceMs(0);
    if (busy === null) return;
    const timer = setInterval(() => setSinceMs(Date.now() - beganMs), 1_000);
    return () => clearInterval(timer);
  }, [busy]);
  return (
    <aside class="busy" aria-label="What the page waits for" hidden={busy === null}>
      <span>
        {busy}
        {sinceMs < LONG_MS ? '' : ` The server has taken ${span(sinceMs)} so far.`}
      </span>
      {canStop ? (
        <button type="button" class="plain" onClick={stopReading}>
          Stop
        </button>
      ) : null}
    </aside>
  );
}
