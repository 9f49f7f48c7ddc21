import { ArgumentError } from '../../core/errors.ts';
import { type Broker, parseBroker } from '../mqtt/parse-broker.ts';

/** What `--source` says. */
export type SourceChoice =
  | { readonly kind: 'dir'; readonly path: string }
  | { readonly kind: 'stdin' }
  | { readonly kind: 'cmd'; readonly command: string }
  | { readonly kind: 'mqtt'; readonly broker: Broker };

/** Reads `dir:PATH`, `stdin`, `cmd:COMMAND` or `mqtt:mqtt://HOST:1883/TOPIC`. @throws ArgumentError */
export function parseSource(text: string): SourceChoice {
  if (text === 'stdin') return { kind: 'stdin' };
  const rest = text.slice(4);
  if (text.startsWith('dir:') && rest !== '') return { kind: 'dir', path: rest };
  if (text.startsWith('cmd:') && rest.trim() !== '') return { kind: 'cmd', command: rest };
  if (text.startsWith('mqtt:')) return { kind: 'mqtt', broker: parseBroker(text.slice('mqtt:'.length)) };
  throw new ArgumentError(
    `${JSON.stringify(text.slice(0, 80))} is not a source. Give dir:PATH, stdin, cmd:'COMMAND' or mqtt:mqtt://HOST/TOPIC.`,
  );
}
