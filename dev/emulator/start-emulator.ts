import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { StoreUnavailableError } from '../../core/errors.ts';
import { findProgram } from '../real/programs/find-program.ts';
import { installProgram } from '../real/programs/install-program.ts';

export interface Emulator {
  /** Of every service; on loopback. */
  readonly endpoint: string;
  /** What an AWS SDK or the CDK needs in its environment to talk to this and to nothing else. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export const EMULATED_ACCOUNT = '123456789012';
export const EMULATED_REGION = 'us-east-1';
/** No secrets: the emulator takes any. */
export const EMULATED_CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;
const MAX_SAID_CHARS = 4_000;

/** A CloudFormation that deploys nowhere: moto with what it leaves out of this deployment. @throws StoreUnavailableError */
export async function startEmulator(signal?: AbortSignal): Promise<Emulator> {
  await installProgram('moto', () => {});
  const child = spawn(findProgram('moto'), [join(import.meta.dirname, 'moto', 'serve.py')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1', PYTHONWARNINGS: 'ignore' },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MAX_SAID_CHARS);
  });
  try {
    const endpoint = `http://127.0.0.1:${await portOf(child, signal)}`;
    return { endpoint, env: environmentOf(endpoint), close: () => stop(child) };
  } catch (cause) {
    await stop(child);
    throw new StoreUnavailableError(`The emulator does not start. It said: ${said || 'nothing'}`, { cause });
  }
}

async function portOf(child: ChildProcess, signal?: AbortSignal): Promise<number> {
  const late = AbortSignal.timeout(START_TIMEOUT_MS);
  const either = signal === undefined ? late : AbortSignal.any([signal, late]);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream, signal: either });
  const ended = once(child, 'exit', { signal: either }).then(([code]) => {
    throw new Error(`It ended with code ${code}.`);
  });
  const [line] = await Promise.race([once(lines, 'line', { signal: either }), ended]);
  ended.catch(() => {});
  return (JSON.parse(line as string) as { port: number }).port;
}

function environmentOf(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
    // Only written into the template's address, never connected to.
    AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION: `https://s3.${EMULATED_REGION}.amazonaws.com`,
    AWS_REGION: EMULATED_REGION,
    AWS_DEFAULT_REGION: EMULATED_REGION,
    AWS_ACCESS_KEY_ID: EMULATED_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: EMULATED_CREDENTIALS.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    // Nothing of the user's own.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}
