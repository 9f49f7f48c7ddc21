import { styleText } from 'node:util';
import { printable } from '../client/printable.ts';
import { PlumblineError } from '../core/errors.ts';
import { exitCodeOf, isAbort } from './exit-codes.ts';
import { jsonLine } from './json-line.ts';

type Style = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/** Where a command says things: results on standard output, progress and notices on standard error. */
export interface Output {
  readonly json: boolean;
  /** The result: for people as text, for machines as one JSON object on a line. */
  result(value: object, text: string): void;
  /** Something a person may want to know meanwhile; silent with --json. */
  notice(text: string): void;
  /** Replaces the last progress line; only on a terminal. */
  progress(text: string): void;
  /** Colours on a terminal, plain text elsewhere. */
  style(style: Style, text: string): string;
}

export function createOutput(json: boolean): Output {
  const live = process.stderr.isTTY === true && !json;
  const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;
  let drawn = false;
  const clear = (): void => {
    if (drawn) process.stderr.write('\r\u001b[K');
    drawn = false;
  };
  return {
    json,
    result(value, text) {
      clear();
      process.stdout.write(json ? jsonLine(value) : `${text}\n`);
    },
    notice(text) {
      clear();
      if (!json) process.stderr.write(`${text}\n`);
    },
    progress(text) {
      if (!live) return;
      process.stderr.write(`\r\u001b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
      drawn = true;
    },
    style: (style, text) => (coloured ? styleText(style, text) : text),
  };
}

/** `[#######.....] 58 %  1,200/2,048 blocks` */
export function progressBar(done: number, total: number, unit: string): string {
  const width = 30;
  const fraction = total === 0 ? 1 : done / total;
  const filled = Math.round(width * fraction);
  const bar = `${'#'.repeat(filled)}${'.'.repeat(width - filled)}`;
  return `[${bar}] ${Math.floor(100 * fraction)} %  ${done.toLocaleString('en')}/${total.toLocaleString('en')} ${unit}`;
}

/** Says what went wrong, for people or machines, and gives the exit code. A defect shows its stack, an expected error does not. */
export function reportError(error: unknown, json: boolean): number {
  const code = exitCodeOf(error);
  if (json) {
    const shown = error instanceof PlumblineError ? error.toJSON() : { name: nameOf(error), message: messageOf(error) };
    process.stdout.write(jsonLine({ error: shown, exitCode: code }));
  } else if (isAbort(error)) {
    process.stderr.write('Interrupted.\n');
  } else if (error instanceof PlumblineError) {
    process.stderr.write(`${printable(error.shortMessage)}\n${causeLine(error)}`);
  } else {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  }
  return code;
}

/** What lies behind it, where that is not one of our own sentences' rewording of a system's code. */
function causeLine(error: PlumblineError): string {
  const { cause, shortMessage } = error;
  if (!(cause instanceof Error) || cause instanceof AggregateError || 'code' in cause || cause.message === '')
    return '';
  if (cause instanceof PlumblineError && shortMessage.includes(cause.shortMessage)) return '';
  return `  because: ${printable(cause.message.split('\n')[0] ?? '')}\n`;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
