import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { createApp } from '../../cdk/create-app.ts';

export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation's JSON
  readonly Properties: any;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

export interface Synthesised {
  readonly template: Template;
  readonly resources: Readonly<Record<string, Resource>>;
  /** Resources of a type by their place in the code, such as `Anchor/Role`. */
  ofType(type: string): Map<string, Resource>;
  /** A value of the template with the resources it refers to by their place: `<Store/Segments.Arn>/*`. */
  text(value: unknown): string;
}

/** A context that lacks nothing; every contract and Kubo are there. */
export const CONTEXT = {
  stage: 'dev',
  rpcSecret: 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:nodes-AbCdEf',
  chainId: '31337',
  dissc: `0x${'d1'.repeat(20)}`,
  ocasc: `0x${'0c'.repeat(20)}`,
  asc: `0x${'a5'.repeat(20)}`,
  cssAccount: `0x${'c5'.repeat(20)}`,
  authorities: 'api.example',
  kuboApiUrl: 'https://kubo.example',
  alarmEmail: 'operator@plumbline.example',
} as const;

const synthesised = new Map<string, Synthesised>();

/**
 * The template of the deployment with this context, made once a context; the code of the functions is an empty file.
 * @throws Error when the rules find something that nobody acknowledged
 */
export function synthStack(context: Readonly<Record<string, string | undefined>> = {}): Synthesised {
  const given = contextOf(context);
  const key = JSON.stringify(given);
  const stack = synthesised.get(key) ?? synthesise(given, () => undefined);
  synthesised.set(key, stack);
  return stack;
}

/** The same, with what is put into it. */
export function synthStackWith(put: (into: Stack) => unknown): Synthesised {
  return synthesise(contextOf({}), put);
}

function contextOf(context: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const given = Object.entries({ ...CONTEXT, ...context }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Record<string, string>;
}

function synthesise(context: Readonly<Record<string, string>>, put: (into: Stack) => unknown): Synthesised {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-synth-'));
  try {
    const code = join(folder, 'code');
    writeFileSync(code, '');
    const app = createApp({
      codeOf: () => Code.fromAsset(folder, { exclude: ['out'] }),
      codeOfPages: () => Code.fromAsset(folder, { exclude: ['out'] }),
      // As the CDK's command asks for it: each resource says where in the code it comes from.
      context: { ...context, 'aws:cdk:enable-path-metadata': true },
      outdir: join(folder, 'out'),
    });
    put(app.stack);
    const template = Template.fromStack(app.stack);
    return describeStack(template);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describeStack(template: Template): Synthesised {
  const resources = template.toJSON().Resources as Record<string, Resource>;
  const placeOf = (id: string): string => {
    const path = String(resources[id]?.Metadata?.['aws:cdk:path'] ?? id);
    return path.replace(/^[^/]+\//, '').replace(/\/Resource$/, '');
  };
  const text = (value: unknown): string => {
    if (typeof value !== 'object' || value === null) return String(value);
    const [[kind, inner]] = Object.entries(value) as [[string, unknown]];
    if (kind === 'Ref') return `<${placeOf(inner as string)}>`;
    if (kind === 'Fn::GetAtt') return `<${placeOf((inner as string[])[0] as string)}.${(inner as string[])[1]}>`;
    if (kind === 'Fn::Join') return (inner as [string, unknown[]])[1].map(text).join((inner as [string])[0]);
    return JSON.stringify(value);
  };
  return {
    template,
    resources,
    text,
    ofType: (type) =>
      new Map(
        Object.entries(resources)
          .filter(([, { Type }]) => Type === type)
          .map(([id, resource]) => [placeOf(id), resource]),
      ),
  };
}
