import type { DatasetKind } from '../../core/charter/kind.ts';
import { counted } from '../../core/counted.ts';
import { ArgumentError, FileError } from '../../core/errors.ts';
import { KINDS, type KindName } from '../dataset/kind-name.ts';
import { readBoundedText } from '../read-bounded-file.ts';

/** A device that is wanted, by the name of its dataset. */
export interface WantedDevice {
  readonly name: string;
  readonly kind: DatasetKind;
  readonly published: boolean;
}

/** As many as one call provisions. */
export const MAX_FLEET = 20_000;
const CSV_BOUND = { maxBytes: 4 * 2 ** 20, ifLarger: 'Cut it into several files.' };
/** Also the name of its file, so nothing that a file system reads otherwise. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;
const COLUMNS = ['name', 'kind', 'published'];

/** `count` names that begin with `prefix`: `pump-00001` and on, so that a larger count later goes on behind them. */
export function nameFleet(count: number, prefix: string, defaults: Omit<WantedDevice, 'name'>): WantedDevice[] {
  if (count > MAX_FLEET) {
    throw new ArgumentError(
      `--count is ${count}; one call provisions at most ${MAX_FLEET}. Use several calls with different prefixes.`,
    );
  }
  return Array.from({ length: count }, (_, i) => {
    const name = `${prefix}-${String(i + 1).padStart(5, '0')}`;
    return { name: requireName(name, '--prefix', ArgumentError), ...defaults };
  });
}

/**
 * Reads a CSV file with a line a device: a column `name`, and where wanted `kind` (encrypted, plain, attached) and
 * `published` (true or false).
 * @throws FileError naming the line
 */
export async function readFleet(path: string, defaults: Omit<WantedDevice, 'name'>): Promise<WantedDevice[]> {
  const lines = (await readBoundedText(path, CSV_BOUND)).replace(/^\ufeff/, '').split(/\r?\n/);
  const columns = splitLine(lines[0] ?? '', `${path}, line 1`);
  const unknown = columns.find((column) => !COLUMNS.includes(column));
  if (!columns.includes('name') || unknown !== undefined || new Set(columns).size !== columns.length) {
    throw new FileError(`The first line of ${path} must name the columns: name, and optionally kind and published.`);
  }
  const devices: WantedDevice[] = [];
  const seen = new Set<string>();
  for (const [i, line] of lines.entries()) {
    if (i === 0 || line.trim() === '') continue;
    const where = `${path}, line ${i + 1}`;
    const values = splitLine(line, where);
    if (values.length !== columns.length) {
      throw new FileError(
        `${where} has ${counted(values.length, 'value')}; its first line has ${counted(columns.length, 'column')}.`,
      );
    }
    const value = (column: string): string | undefined => values[columns.indexOf(column)];
    const name = requireName(value('name') ?? '', where, FileError);
    if (seen.has(name)) throw new FileError(`${where} names ${name} a second time.`);
    seen.add(name);
    const kind = readKind(value('kind'), defaults.kind, where);
    devices.push({ name, kind, published: readFlag(value('published'), defaults.published, where) });
    if (devices.length > MAX_FLEET) {
      throw new FileError(`${path} has more than ${MAX_FLEET} devices. Split it into several files.`);
    }
  }
  if (devices.length === 0) throw new FileError(`${path} does not name a device.`);
  return devices;
}

function splitLine(line: string, where: string): string[] {
  // No value of ours needs quotes.
  if (line.includes('"')) throw new FileError(`${where} has quotes; names and flags need none.`);
  return line.split(/[,;]/).map((value) => value.trim());
}

function requireName(name: string, where: string, Refusal: typeof FileError | typeof ArgumentError): string {
  if (NAME.test(name)) return name;
  throw new Refusal(
    `${where}: ${JSON.stringify(name.slice(0, 80))} is not a device name. Use letters, digits, dots and dashes, at most 32.`,
  );
}

function readKind(text: string | undefined, otherwise: DatasetKind, where: string): DatasetKind {
  if (text === undefined || text === '') return otherwise;
  if (Object.hasOwn(KINDS, text)) return KINDS[text as KindName];
  throw new FileError(`${where}: ${JSON.stringify(text.slice(0, 80))} is not a kind: encrypted, plain or attached.`);
}

function readFlag(text: string | undefined, otherwise: boolean, where: string): boolean {
  if (text === undefined || text === '') return otherwise;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new FileError(`${where}: ${JSON.stringify(text.slice(0, 80))} is neither true nor false.`);
}
