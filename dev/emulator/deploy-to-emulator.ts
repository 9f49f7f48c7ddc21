import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { createSecret } from './create-secret.ts';
import { runCdk } from './run-cdk.ts';
import {
  EMULATED_ACCOUNT,
  EMULATED_CREDENTIALS,
  EMULATED_REGION,
  type Emulator,
  startEmulator,
} from './start-emulator.ts';

export interface Deployment {
  readonly emulator: Emulator;
  readonly stackName: string;
  /** With the templates and bundles, until it is closed. */
  readonly outdir: string;
  /** `cdk destroy`; the emulator stays, so that one can look what is left. */
  destroy(): Promise<void>;
  close(): Promise<void>;
}

const root = join(import.meta.dirname, '..', '..');
const build = join(root, 'build');

/** A deployment that needs no parameters of anybody. */
export const EXAMPLE_CONTEXT = {
  chainId: '31337',
  dissc: `0x${'d1'.repeat(20)}`,
  ocasc: `0x${'0c'.repeat(20)}`,
  asc: `0x${'a5'.repeat(20)}`,
  authorities: 'api.example',
  kuboApiUrl: 'https://kubo.example',
  alarmEmail: 'operator@plumbline.example',
} as const;

/** `cdk bootstrap` and `cdk deploy` against a fresh emulator: an update would report success and change nothing there. */
export async function deployToEmulator(
  stage: 'dev' | 'prod',
  signal?: AbortSignal,
  tell: (step: string) => void = () => undefined,
): Promise<Deployment> {
  // Inside the project, as the app is made of its files; the path of the bundles is the same wherever that is.
  await mkdir(build, { recursive: true });
  const outdir = await mkdtemp(join(build, 'emulated-'));
  const removeFolder = () => rm(outdir, { recursive: true, force: true });
  tell('starting the emulator');
  const emulator = await startEmulator(signal).catch(async (error) => {
    await removeFolder();
    throw error;
  });
  const close = async () => {
    await emulator.close();
    await removeFolder();
  };
  const stackName = `plumbline-${stage}`;
  tell(`it listens at ${emulator.endpoint}`);
  const assembly = join(outdir, 'cdk.out');
  const here = { folder: outdir, home: outdir };
  try {
    const rpcSecret = await createSecret(emulator, 'plumbline-nodes', 'https://rpc.example');
    const parameters = Object.entries({ ...EXAMPLE_CONTEXT, stage, rpcSecret });
    const context = parameters.map(([name, value]) => `--context=${name}=${value}`);
    tell('bundling the functions and synthesising the template (cdk synth)');
    await runCdk(emulator, { ...here, folder: root }, ['synth', '--quiet', '--output', assembly, ...context], signal);
    tell('cdk bootstrap');
    await runCdk(emulator, here, ['bootstrap', `aws://${EMULATED_ACCOUNT}/${EMULATED_REGION}`], signal);
    const deploy = ['deploy', stackName, '--app', assembly, '--method=direct', '--require-approval=never'];
    tell('cdk deploy');
    await runCdk(emulator, here, deploy, signal);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    emulator,
    stackName,
    outdir,
    destroy: async () => {
      await runCdk(emulator, here, ['destroy', stackName, '--app', assembly, '--force']);
    },
    close,
  };
}

/** What a stack has been given: how many of each type, and its outputs, by the emulator's CloudFormation. */
async function describeMade({ emulator, stackName }: Deployment): Promise<string> {
  const client = new CloudFormationClient({
    ...{ endpoint: emulator.endpoint, region: EMULATED_REGION, credentials: EMULATED_CREDENTIALS },
  });
  try {
    const types = new Map<string, number>();
    for await (const page of paginateListStackResources({ client }, { StackName: stackName })) {
      for (const { ResourceType = '' } of page.StackResourceSummaries ?? []) {
        types.set(ResourceType, (types.get(ResourceType) ?? 0) + 1);
      }
    }
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
    const counts = [...types].sort().map(([type, count]) => `${String(count).padStart(6)}  ${type}`);
    const outputs = (Stacks?.[0]?.Outputs ?? []).map(({ OutputKey, OutputValue }) => `  ${OutputKey}: ${OutputValue}`);
    return [`${stackName} has:`, ...counts, 'Outputs:', ...outputs.sort()].join('\n');
  } finally {
    client.destroy();
  }
}

if (import.meta.main) {
  const startedMs = performance.now();
  const tell = (step: string) => {
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
    console.log(`${seconds.padStart(4)} s  ${step}`);
  };
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('interrupted')));
  const deployment = await deployToEmulator(process.argv[2] === 'prod' ? 'prod' : 'dev', stop.signal, tell);
  try {
    tell('deployed');
    console.log(await describeMade(deployment));
    tell('cdk destroy');
    await deployment.destroy();
    tell('destroyed');
  } finally {
    await deployment.close();
  }
}
