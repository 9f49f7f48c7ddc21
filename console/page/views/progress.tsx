import { useEffect, useRef, useState } from 'preact/hooks';
import type { Run } from '../store.ts';
import { count, LONG_MS, span } from '../words.ts';

/** How far a check is, and how long the rest takes at this pace. */
export function Progress({ run }: { readonly run: Run }) {
  const [nowMs, setNowMs] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const { checked, wanted, startedAtMs, stop } = run;
  const leftMs = checked === 0 ? null : ((nowMs - startedAtMs) * (wanted - checked)) / checked;
  const since = useRef({ checked, ms: startedAtMs });
  if (since.current.checked !== checked) since.current = { checked, ms: Date.now() };
  const silentMs = nowMs - since.current.ms;
  const left = leftMs === null ? '' : `, about ${span(leftMs)} left`;
  const far = wanted === 0 ? 'Reading the chain …' : `${count(checked)} of ${count(wanted)} blocks`;
  const text =
    silentMs < LONG_MS
      ? `${far}${left}`
      : `${far}${wanted === 0 ? '' : '.'} The server has taken ${span(silentMs)} for the next step so far.`;
  return (
    <div class="progress">
      <progress max={Math.max(1, wanted)} value={checked} aria-label="Blocks verified" />
      <span>{text}</span>
      <button
        type="button"
        onClick={({ currentTarget }) => {
          // This button goes with the check; what began it stays.
          currentTarget.closest('section')?.querySelector<HTMLElement>('[aria-disabled]')?.focus();
          stop();
        }}
      >
        Stop
      </button>
    </div>
  );
}
