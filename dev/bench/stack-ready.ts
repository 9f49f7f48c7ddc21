/**
 * How long the embedded stack takes from the command to being ready; with --demo, also the demo.
 *
 *     node dev/bench/stack-ready.ts [--runs 3] [--demo] [--json]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { realDamage } from '../../examples/demo/damage.ts';
import { runDemo } from '../../examples/demo/run-demo.ts';
import { startStackProcess } from '../../examples/demo/stack-process.ts';

/** Where the demo's second act begins: before it, one owner and her device; from it on, sales. */
const SECOND_ACT = /sells/;

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '3' }, demo: { type: 'boolean' }, json: { type: 'boolean' } },
});
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort()).once('SIGTERM', () => interrupt.abort());
const readySeconds: number[] = [];
for (let run = 0; run < Number(values.runs) && !interrupt.signal.aborted; run++) {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-bench-'));
  const began = performance.now();
  const stack = await startStackProcess(join(folder, 'stack'), 500);
  readySeconds.push((performance.now() - began) / 1000);
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
}
const demo = values.demo === true ? await playDemo() : null;
const figure = { readySeconds, demo };
if (values.json === true) console.log(JSON.stringify(figure));
else console.log(figure);

async function playDemo() {
  const began = performance.now();
  const log = await runDemo({ hold: false, interrupt: interrupt.signal, quiet: true, damage: realDamage });
  const allSeconds = (performance.now() - began) / 1000;
  const second = log.steps.findIndex(({ act }) => SECOND_ACT.test(act));
  const first = log.steps.slice(0, second === -1 ? undefined : second);
  return { ok: log.ok, firstActSeconds: first.reduce((sum, { ms }) => sum + ms, 0) / 1000, allSeconds };
}
