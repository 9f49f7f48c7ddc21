import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { readSecretFile } from '../../adapters/keys/secret-file.ts';
import { ArgumentError, FileError, PlumblineError } from '../../core/errors.ts';
import type { Broker } from './parse-broker.ts';

/** What the broker is told of who this is, and what it is known by itself. */
export interface BrokerSecrets {
  readonly username?: string;
  readonly password?: string;
  /** Of the session that the broker keeps; the dataset's where it is not given. */
  readonly clientId?: string;
  /** PEM. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const MAX_PEM_BYTES = 2 ** 20;

const secretsFile = z.strictObject({
  username: z.string().max(65_535).optional(),
  password: z.string().max(65_535).optional(),
  clientId: z.string().min(1).max(256).optional(),
  /** Files with PEM, from the folder of this file. */
  caFile: z.string().min(1).optional(),
  certFile: z.string().min(1).optional(),
  keyFile: z.string().min(1).optional(),
  /** Lets a password travel unencrypted to another machine. */
  allowPlaintext: z.boolean().optional(),
});

/**
 * Reads the file of `--mqtt-secrets`: JSON, and like the key that it may name, mode 0600.
 * @throws FileError naming the field, never its value
 * @throws ArgumentError when the broker must not be told the password that stands there
 */
export async function readBrokerSecrets(path: string, broker: Broker): Promise<BrokerSecrets> {
  let value: unknown;
  try {
    // Editors of some systems begin a file with a byte order mark.
    value = JSON.parse((await readSecret(path)).replace(/^\uFEFF/, ''));
  } catch (cause) {
    if (cause instanceof PlumblineError) throw cause;
    // The parser's message quotes the text.
    throw new FileError(`The MQTT secrets ${path} are not JSON.`);
  }
  const parsed = secretsFile.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.code === 'unrecognized_keys' ? `${issue.keys[0]} (unknown)` : issue?.path.join('.');
    throw new FileError(`The MQTT secrets ${path} are malformed at ${field ?? '?'}.`);
  }
  const { caFile, certFile, keyFile, allowPlaintext, ...rest } = parsed.data;
  if (!broker.tls && rest.password !== undefined && allowPlaintext !== true && !isLoopback(broker.host)) {
    throw new ArgumentError(
      `The password would travel unencrypted to ${broker.host}. Use mqtts://, or set "allowPlaintext": true in ${path}.`,
    );
  }
  const from = (read: (file: string) => Promise<string>, file: string | undefined) =>
    file === undefined ? undefined : read(resolve(dirname(path), file));
  const [ca, cert, key] = await Promise.all([
    from(readCertificates, caFile),
    from(readCertificates, certFile),
    from(readSecret, keyFile),
  ]);
  return definedOnly({ ...rest, ca, cert, key });
}

/** A file that nobody else may read. @throws FileError */
async function readSecret(path: string): Promise<string> {
  try {
    return await readSecretFile(path);
  } catch (cause) {
    throw cause instanceof PlumblineError ? new FileError(cause.shortMessage, { cause }) : cause;
  }
}

/** Certificates are nobody's secret. */
async function readCertificates(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > MAX_PEM_BYTES) throw new FileError(`${path} has ${size} bytes; at most ${MAX_PEM_BYTES} are read.`);
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof FileError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new FileError(`The certificates ${path} cannot be read (${code}).`, { cause });
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function definedOnly(secrets: { readonly [Name in keyof BrokerSecrets]: string | undefined }): BrokerSecrets {
  return Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== undefined));
}
