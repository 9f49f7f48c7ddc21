import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isInstalled, programFolder } from './find-program.ts';
import { installChromium } from './install-chromium.ts';
import { installNodeArm64 } from './install-node-arm64.ts';
import { runStep } from './run-step.ts';
import { COMPLETE_WITH, type RealProgram, STARTED_BY, VERSIONS } from './versions.ts';

type Say = (line: string) => void;

const TIMEOUT_MS = 20 * 60_000;
const GO_ENV = { GOWORK: 'off', GOBIN: '' };

/**
 * Installs a program into the cache unless it is there: beside its place first, then moved there in one step, so that
 * whoever looks sees all of it or nothing.
 */
export async function installProgram(program: RealProgram, say: Say): Promise<void> {
  const name = `${program} ${VERSIONS[program]}`;
  if (isInstalled(program)) return say(`${name}: is there`);
  const folder = programFolder(program);
  await mkdir(dirname(folder), { recursive: true });
  const beside = await mkdtemp(join(dirname(folder), `installing-${program}-`));
  const beganMs = performance.now();
  const seconds = () => `${Math.round((performance.now() - beganMs) / 1000)} s`;
  say(`${name}: installing into ${folder}`);
  const timer = setInterval(() => say(`${name}: still at it after ${seconds()}`), 60_000);
  try {
    await INSTALLERS[program](beside, VERSIONS[program]);
    await moveInto(beside, folder, () => isInstalled(program));
    say(`${name}: installed in ${seconds()}`);
  } finally {
    clearInterval(timer);
    await rm(beside, { recursive: true, force: true });
  }
}

const INSTALLERS: Readonly<Record<RealProgram, (folder: string, version: string) => Promise<void>>> = {
  geth: (folder, version) => goInstall(folder, `github.com/ethereum/go-ethereum/cmd/geth@v${version}`),
  versitygw: (folder, version) => goInstall(folder, `github.com/versity/versitygw/cmd/versitygw@v${version}`),

  actionlint: (folder, version) => goInstall(folder, `github.com/rhysd/actionlint/cmd/actionlint@v${version}`),

  // `go install` at a version is refused for it; a module that requires it builds it.
  async kubo(folder, version) {
    const build = join(folder, 'build');
    await mkdir(build);
    const step = (...parameters: string[]) =>
      runStep('go', parameters, { folder: build, env: GO_ENV, timeoutMs: TIMEOUT_MS });
    await step('mod', 'init', 'plumbline/kubo');
    await step('get', `github.com/ipfs/kubo/cmd/ipfs@v${version}`);
    await step('build', '-o', join(folder, 'ipfs'), 'github.com/ipfs/kubo/cmd/ipfs');
    await rm(build, { recursive: true });
  },

  async 'dynamodb-local'(folder, version) {
    const of = (group: string, artifact: string, v: string) =>
      `<groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${v}</version>`;
    await writeFile(
      join(folder, 'pom.xml'),
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
${of('plumbline', 'dynamodb-local', '1')}
<dependencies><dependency>${of('com.amazonaws', 'DynamoDBLocal', version)}</dependency></dependencies></project>\n`,
    );
    const lib = join(folder, 'lib');
    const parameters = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${lib}`];
    await runStep('mvn', parameters, { folder, timeoutMs: TIMEOUT_MS });
    await writeFile(join(folder, COMPLETE_WITH['dynamodb-local']), version);
  },

  // Started as `python3 -m moto.server`: scripts in `bin` name the folder that it was made in.
  moto: (folder) => pipInstall(folder, 'moto'),

  'scitt-cose': (folder) => pipInstall(folder, 'scitt-cose'),

  // Its tests' program is built from this alone, without a network; `go.sum` beside that program says which bytes it is.
  async 'x-mod'(folder, version) {
    const env = { ...GO_ENV, GOMODCACHE: join(folder, STARTED_BY['x-mod']), GOFLAGS: '-modcacherw' };
    await runStep('go', ['mod', 'download', `golang.org/x/mod@v${version}`], { folder, env, timeoutMs: TIMEOUT_MS });
    await writeFile(join(folder, COMPLETE_WITH['x-mod']), version);
  },

  chromium: installChromium,

  'node-arm64': installNodeArm64,
};

async function pipInstall(folder: string, program: 'moto' | 'scitt-cose'): Promise<void> {
  const step = (command: string, ...parameters: string[]) =>
    runStep(command, parameters, { folder, timeoutMs: TIMEOUT_MS });
  await step('python3', '-m', 'venv', folder);
  const requirements = join(import.meta.dirname, `${program}-requirements.txt`);
  await step(join(folder, 'bin', 'python3'), '-m', 'pip', 'install', '--quiet', '-r', requirements);
  await writeFile(join(folder, COMPLETE_WITH[program]), VERSIONS[program]);
}

async function goInstall(folder: string, source: string): Promise<void> {
  await runStep('go', ['install', source], { folder, env: { ...GO_ENV, GOBIN: folder }, timeoutMs: TIMEOUT_MS });
}

/** Another process may have been quicker; what a cut-off attempt has left there goes. */
async function moveInto(beside: string, folder: string, isThere: () => boolean): Promise<void> {
  try {
    // Refused where a folder is that has something in it.
    await rename(beside, folder);
  } catch {
    if (isThere()) return;
    await rm(folder, { recursive: true, force: true });
    await rename(beside, folder);
  }
}
