import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { loopbackPorts } from '../../dev/real/loopback-ports.ts';
import { type Daemon, startDaemon } from '../../dev/real/start-daemon.ts';

export interface Mosquitto {
  readonly port: number;
  /** A listener with TLS and a password; its certificate is of `ca`. */
  readonly tlsPort: number;
  readonly ca: string;
  readonly username: string;
  readonly password: string;
  /** Ends it as an operator would, and starts it again on what it kept. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const PLACES = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'];

/** mosquitto as Debian packages it, on loopback, with everything it keeps in a folder. */
export async function startMosquitto(folder: string): Promise<Mosquitto> {
  const command = findMosquitto();
  const [port, tlsPort] = (await loopbackPorts(2)) as [number, number];
  const [username, password] = ['weather', 'a password of the test'];
  makeCertificate(folder);
  const passwords = join(folder, 'passwords');
  writeFileSync(passwords, `${username}:${password}\n`, { mode: 0o600 });
  execFileSync('mosquitto_passwd', ['-U', passwords]);
  const config = join(folder, 'mosquitto.conf');
  writeFileSync(config, configText(folder, port, tlsPort));
  const start = (): Promise<Daemon> =>
    startDaemon({ name: 'mosquitto', command, parameters: ['-c', config], folder, isReady: () => listens(port) });
  let daemon = await start();
  return {
    ...{ port, tlsPort, username, password, ca: join(folder, 'ca.pem') },
    async restart() {
      await daemon.stop();
      daemon = await start();
    },
    stop: () => daemon.stop(),
  };
}

/** @throws when it is not there and cannot be installed: then nothing would have been tested */
function findMosquitto(): string {
  const found = () => PLACES.find((path) => existsSync(path));
  if (found() === undefined && process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    for (const parameters of [['update'], ['install', '-y', '--no-install-recommends', 'mosquitto']]) {
      spawnSync('apt-get', parameters, { stdio: ['ignore', 'ignore', 'inherit'], env, timeout: 300_000 });
    }
  }
  const command = found();
  if (command === undefined) {
    throw new Error('There is no mosquitto, and it could not be installed. Run: apt-get install mosquitto');
  }
  return command;
}

function configText(folder: string, port: number, tlsPort: number): string {
  return `per_listener_settings true
persistence true
persistence_location ${folder}/
max_queued_messages 0
max_inflight_messages 0
${process.getuid?.() === 0 ? 'user root' : ''}
listener ${port} 127.0.0.1
allow_anonymous true
listener ${tlsPort} 127.0.0.1
allow_anonymous false
password_file ${folder}/passwords
cafile ${folder}/ca.pem
certfile ${folder}/server.pem
keyfile ${folder}/server.key
tls_version tlsv1.2
`;
}

function makeCertificate(folder: string): void {
  const openssl = (...parameters: string[]) =>
    execFileSync('openssl', parameters, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  for (const [name, words] of [
    ['ca', 'Plant CA'],
    ['other-ca', 'Another CA'],
  ]) {
    openssl('req', '-x509', ...fresh, '-subj', `/CN=${words}`, '-keyout', `${name}.key`, '-out', `${name}.pem`);
  }
  openssl(
    'req',
    ...fresh.slice(0, 4),
    '-nodes',
    '-subj',
    '/CN=localhost',
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
  );
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
  openssl('x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.pem');
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
