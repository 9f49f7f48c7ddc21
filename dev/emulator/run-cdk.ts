import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { Emulator } from './start-emulator.ts';

const root = join(import.meta.dirname, '..', '..');
// On a machine with other work: bundling alone takes minutes there.
const TIMEOUT_MS = 900_000;
const run = promisify(execFile);

export interface CdkPlaces {
  /** Where it runs: it takes the app from the cdk.json there. */
  readonly folder: string;
  /** Where it keeps what it remembers, instead of in the user's home. */
  readonly home: string;
}

/**
 * The CDK's command in this folder, against the emulator and nothing else. Returns what it printed.
 * @throws StoreUnavailableError with the end of what it printed
 */
export async function runCdk(
  emulator: Pick<Emulator, 'env'>,
  { folder, home }: CdkPlaces,
  parameters: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const bin = join(root, 'node_modules', '.bin');
  try {
    const { stdout, stderr } = await run(join(bin, 'node'), [join(bin, 'cdk'), ...parameters, '--no-notices', '--ci'], {
      cwd: folder,
      timeout: TIMEOUT_MS,
      maxBuffer: 64 * 2 ** 20,
      env: {
        PATH: `${bin}:${process.env.PATH}`,
        HOME: home,
        CDK_DISABLE_CLI_TELEMETRY: '1',
        CDK_DISABLE_VERSION_CHECK: '1',
        ...emulator.env,
      },
      ...(signal === undefined ? {} : { signal }),
    });
    return stdout + stderr;
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string };
    const said = (stdout + stderr).trim().slice(-3_000);
    throw new StoreUnavailableError(`cdk ${parameters[0]} failed. It said: ${said || 'nothing'}`);
  }
}
