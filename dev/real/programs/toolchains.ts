import { spawnSync } from 'node:child_process';
import type { RealProgram } from './versions.ts';

interface Toolchain {
  readonly command: string;
  readonly shows: readonly string[];
  readonly remedy: string;
}

const GO: Toolchain = { command: 'go', shows: ['version'], remedy: 'Install Go 1.26 or newer: https://go.dev/dl/' };
const PYTHON: Toolchain = {
  command: 'python3',
  shows: ['-c', 'import venv, ensurepip'],
  remedy: 'Install Python 3.11 or newer with its venv (Debian: python3-venv).',
};
const JAVA: Toolchain = { command: 'java', shows: ['-version'], remedy: 'Install Java 17 (Debian: openjdk-17-jre).' };
const MAVEN: Toolchain = { command: 'mvn', shows: ['-version'], remedy: 'Install Maven 3.8 or newer (Debian: maven).' };
const NAMESPACE: Toolchain = {
  command: 'unshare',
  shows: ['--user', '--map-root-user', '--net', 'ip', 'link', 'set', 'lo', 'up'],
  remedy: 'Allow network namespaces to users, and install util-linux and iproute2.',
};

const NPM: Toolchain = { command: 'npm', shows: ['--version'], remedy: 'It comes with Node: https://nodejs.org/' };
const APT: Toolchain = {
  command: 'apt-get',
  shows: ['--version'],
  remedy: 'A browser, and an emulator of arm64 with its C library, are taken from the packages of Debian on x64.',
};

const NEEDED: Readonly<Record<RealProgram, readonly Toolchain[]>> = {
  geth: [GO],
  kubo: [GO],
  versitygw: [GO],
  'dynamodb-local': [JAVA, MAVEN, NAMESPACE],
  moto: [PYTHON],
  actionlint: [GO],
  'x-mod': [GO],
  'scitt-cose': [PYTHON],
  chromium: [APT],
  'node-arm64': [NPM, APT],
};

/** What this machine lacks for these programs, each with its remedy; empty when it can install and run them. */
export function missingToolchains(programs: readonly RealProgram[]): string[] {
  const needed = new Set(programs.flatMap((program) => NEEDED[program]));
  return [...needed]
    .filter(({ command, shows }) => spawnSync(command, shows, { stdio: 'ignore', timeout: 60_000 }).status !== 0)
    .map(({ command, remedy }) => `${command} is missing or does not run. ${remedy}`);
}
