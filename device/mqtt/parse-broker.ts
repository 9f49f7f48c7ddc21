import { ArgumentError } from '../../core/errors.ts';

/** Where messages come from. */
export interface Broker {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** As the broker takes it: levels, `+` and `#`. */
  readonly topicFilter: string;
}

const MAX_FILTER_BYTES = 65_535;
const URL_PATTERN = /^(mqtts?):\/\/(?:([^/@]*)@)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?\/(.+)$/su;

/**
 * Reads `mqtt://host:1883/topic` or `mqtts://host:8883/topic`. All behind the slash is the topic filter as it is: `#` and
 * `+` are wildcards, nothing is escaped.
 * @throws ArgumentError, without repeating a password that somebody put there
 */
export function parseBroker(text: string): Broker {
  const match = URL_PATTERN.exec(text);
  if (match === null) {
    throw new ArgumentError('The MQTT source is not an address such as mqtt://broker:1883/plant/+/temperature.');
  }
  const [, scheme, user, host, port, topicFilter] = match;
  if (user !== undefined) {
    throw new ArgumentError(
      'Leave user and password out of the address, where every process can read them. Give --mqtt-secrets FILE.',
    );
  }
  const tls = scheme === 'mqtts';
  const number = port === undefined ? (tls ? 8883 : 1883) : Number(port);
  if (number < 1 || number > 65_535) throw new ArgumentError(`The MQTT port ${port} is not between 1 and 65,535.`);
  requireFilter(topicFilter as string);
  return { host: (host as string).replace(/^\[|\]$/g, ''), port: number, tls, topicFilter: topicFilter as string };
}

/** MQTT 5 §4.7. @throws ArgumentError */
function requireFilter(filter: string): void {
  const levels = filter.split('/');
  const wrong = levels.some(
    (level, i) =>
      (level.includes('#') && (level !== '#' || i < levels.length - 1)) || (level.includes('+') && level !== '+'),
  );
  if (wrong || filter.includes('\0') || !filter.isWellFormed() || Buffer.byteLength(filter) > MAX_FILTER_BYTES) {
    throw new ArgumentError(
      `${JSON.stringify(filter.slice(0, 80))} is not a topic filter. In a filter, + stands for one level, and # at the end stands for all further levels.`,
    );
  }
}
