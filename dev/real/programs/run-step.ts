import { spawn } from 'node:child_process';

export interface StepOptions {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

const MAX_OUTPUT_CHARS = 4_000;

/** Runs one command at low priority; what it prints is shown only when it fails. @throws Error with the end of its output */
export async function runStep(command: string, parameters: readonly string[], options: StepOptions): Promise<void> {
  const child = spawn('nice', ['-n', '5', command, ...parameters], {
    cwd: options.folder,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // In a group of its own, so that its compilers end with it.
    detached: true,
  });
  let said = '';
  const hear = (text: string) => {
    said = (said + text).slice(-MAX_OUTPUT_CHARS);
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  const endGroup = () => {
    try {
      process.kill(-(child.pid as number), 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    endGroup();
  }, options.timeoutMs);
  process.once('exit', endGroup);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code === 0) return;
    const why = late ? `took longer than ${options.timeoutMs / 1000} s` : `ended with code ${code}`;
    throw new Error(`${command} ${parameters.join(' ')} ${why}:\n${said}`);
  } finally {
    clearTimeout(timer);
    process.off('exit', endGroup);
  }
}
