import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';

export interface ContractsRan {
  readonly passed: boolean;
  readonly output: string;
  readonly wallMs: number;
}

/**
 * Runs the contracts' suite beside the tests, behind them in priority: it takes the processors' time that tests wait for
 * blocks and timers.
 */
export async function runContracts(): Promise<ContractsRan> {
  const beganMs = performance.now();
  const child = spawn('npm', ['run', '--silent', 'contracts:test'], { stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => said.push(text));
  const status = await new Promise<number | null>((resolve) => {
    child.once('error', (cause) => {
      said.push(`npm cannot be started: ${cause.message}\n`);
      resolve(null);
    });
    child.once('close', resolve);
  });
  return { passed: status === 0, output: said.join(''), wallMs: performance.now() - beganMs };
}
