import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { nodePrimitives as primitives } from '../../../adapters/crypto/node-primitives.ts';
import { parseRoots } from '../../../adapters/timestamp/parse-roots.ts';
import { requestToken } from '../../../adapters/timestamp/request-token.ts';
import { verifyToken } from '../../../adapters/timestamp/verify-token.ts';
import { to0x, toHex } from '../../../core/bytes.ts';
import { parseEvidence } from '../../../core/evidence/parse-evidence.ts';
import { timestampMessage } from '../../../core/evidence/timestamp.ts';
import { exampleEvidence } from '../../../dev/specification/example-evidence.ts';

/*
 * A time-stamping authority that nobody here wrote: OpenSSL's `ts`, behind HTTP. It takes what we ask, we take what it answers, and it
 * takes what we keep. PLUMBLINE_RECORD=1 writes the token that `npm test` reads.
 */

const SETTINGS = `
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[issuer]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
[time]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
[req]
distinguished_name=dn
prompt=no
[dn]
CN=none
[tsa]
serial=serial
signer_cert=time.pem
signer_key=time.key
certs=issuer.pem
signer_digest=sha256
default_policy=1.3.6.1.4.1.99999.1
digests=sha256
accuracy=secs:1,millisecs:500
clock_precision_digits=3
ess_cert_id_alg=sha256
`;

let folder: string;
let server: Server;
let url: string;
const openssl = (...args: string[]) =>
  execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-openssl-ts-'));
  writeFileSync(join(folder, 'settings'), SETTINGS);
  writeFileSync(join(folder, 'serial'), '01\n');
  const names = { root: 'Root', issuer: 'Issuer', time: 'Time' } as const;
  for (const [name, key] of [
    ['root', 'ec:P-256'],
    ['issuer', 'rsa:2048'],
    ['time', 'rsa:2048'],
  ] as const) {
    const [kind, size] = key.split(':') as [string, string];
    const option = kind === 'ec' ? `ec_paramgen_curve:${size}` : `rsa_keygen_bits:${size}`;
    openssl('genpkey', '-algorithm', kind === 'ec' ? 'EC' : 'RSA', '-pkeyopt', option, '-out', `${name}.key`);
    const subject = ['-subj', `/O=Plumbline tests/CN=${names[name]}`];
    const by = {
      root: ['-key', 'root.key'],
      issuer: ['-CA', 'root.pem', '-CAkey', 'root.key'],
      time: ['-CA', 'issuer.pem', '-CAkey', 'issuer.key'],
    }[name];
    const request = ['-new', '-config', 'settings', '-key', `${name}.key`, ...subject];
    if (name === 'root') {
      openssl('req', '-x509', ...request, '-extensions', 'ca', '-days', '36500', '-out', 'root.pem');
      continue;
    }
    openssl('req', ...request, '-out', `${name}.csr`);
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...by,
      '-set_serial',
      name === 'issuer' ? '2' : '3',
      '-days',
      '36500',
      '-extfile',
      'settings',
      '-extensions',
      name,
      '-out',
      `${name}.pem`,
    );
  }
  server = createServer((request, response) => {
    const parts: Uint8Array[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      writeFileSync(join(folder, 'query'), Buffer.concat(parts));
      openssl('ts', '-reply', '-config', 'settings', '-section', 'tsa', '-queryfile', 'query', '-out', 'reply');
      response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(read('reply'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

after(async () => {
  await new Promise((resolve) => server?.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

test("OpenSSL's authority stamps a head, and OpenSSL and we take the token, on this head alone", async () => {
  const { head } = parseEvidence(await exampleEvidence());
  const message = timestampMessage(primitives, head);
  const { token, finding } = await requestToken(url, message);
  assert.equal(finding.holds, null);
  const roots = readFileSync(join(folder, 'root.pem'), 'utf8');
  const held = await verifyToken(token, message, parseRoots(roots));
  assert.deepEqual([held.holds, held.root], [true, 'O=Plumbline tests, CN=Root']);
  writeFileSync(join(folder, 'token'), token);
  writeFileSync(join(folder, 'message'), message);
  const ts = ['ts', '-verify', '-in', 'token', '-token_in', '-CAfile', 'root.pem', '-untrusted', 'issuer.pem'];
  openssl(...ts, '-data', 'message');
  openssl(...ts, '-digest', toHex(primitives.sha256(message)));
  assert.throws(() => openssl(...ts, '-digest', '00'.repeat(32)));
  writeFileSync(join(folder, 'message'), message.with(1, 0));
  assert.throws(() => openssl(...ts, '-data', 'message'));
  if (process.env.PLUMBLINE_RECORD !== '1') return;
  const recorded = {
    at: new Date(held.atMs as number).toISOString(),
    message: to0x(message),
    roots,
    token: Buffer.from(token).toString('base64'),
  };
  writeFileSync(join(import.meta.dirname, 'recorded-token.json'), `${JSON.stringify(recorded, null, 2)}\n`);
});
