import { Certificate } from 'pkijs';
import { ArgumentError } from '../../core/errors.ts';

const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;
/** As many as the systems of the world trust for all purposes together, and some. */
const MAX_ROOTS = 1_024;

/** Certificates in PEM, one behind the other. @throws ArgumentError when there is none, or one cannot be read */
export function parseRoots(text: string): Certificate[] {
  const found = [...text.matchAll(PEM)].map(([, body = '']) => Buffer.from(body, 'base64'));
  if (found.length === 0 || found.length > MAX_ROOTS) {
    throw new ArgumentError(`It has ${found.length} certificates in PEM; 1 to ${MAX_ROOTS} are allowed.`);
  }
  return found.map((der, number) => {
    try {
      return Certificate.fromBER(der);
    } catch (cause) {
      throw new ArgumentError(`Certificate ${number + 1} cannot be read.`, { cause });
    }
  });
}
