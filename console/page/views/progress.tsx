import { useEffect, useState } from 'preact/hooks';
import type { Run } from '../store.ts';
import { count, span } from '../words.ts';

/** How far a check is, and how long the rest takes at this pace. */
export function Progress({ run }: { readonly run: Run }) {
  const [nowMs, setNowMs] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const { checked, wanted, startedAtMs, stop } = run;
  const leftMs = checked === 0 ? null : ((nowMs - startedAtMs) * (wanted - checked)) / checked;
  const text =
    wanted === 0
      ? 'Reading the chain …'
      : `${count(checked)} of ${count(wanted)} blocks${leftMs === null ? '' : `, about ${span(leftMs)} left`}`;
  return (
    <div class="progress">
      <progress max={Math.max(1, wanted)} value={checked} aria-label="Blocks verified" />
      <span>{text}</span>
      <button type="button" onClick={stop}>
        Stop
      </button>
    </div>
  );
}
