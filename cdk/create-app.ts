import { App, DefaultStackSynthesizer, type IStackSynthesizer, Validations } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { FunctionRow } from '../functions/row.ts';
import { nameOf } from './name-of.ts';
import { PlumblineStack } from './plumbline-stack.ts';
import { readParameters } from './read-parameters.ts';

export interface AppOptions {
  /** A function, bundled; asked for once the parameters are right. */
  readonly codeOf: (row: FunctionRow) => Code;
  /** The function that serves the built pages of a folder. */
  readonly codeOfPages: (built: string) => Code;
  /** Beside what the command line gives. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly outdir?: string;
}

/**
 * The deployment of one stage, checked by the AwsSolutions rules when it is synthesised.
 * @throws ArgumentError naming the parameter that is missing or malformed
 */
export function createApp({
  codeOf,
  codeOfPages,
  context = {},
  outdir,
}: AppOptions): App & { readonly stack: PlumblineStack } {
  const app = new App({
    context: { ...context },
    postCliContext: FEATURE_FLAGS,
    analyticsReporting: false,
    ...(outdir === undefined ? {} : { outdir }),
  });
  const parameters = readParameters((name) => app.node.tryGetContext(name));
  const stack = new PlumblineStack(app, nameOf(parameters), {
    codeOf,
    codeOfPages,
    parameters,
    // The template alone: a rule that asks for a parameter of the bootstrap stack needs one to be looked up.
    synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) as IStackSynthesizer,
  });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { writeSuppressionsToCloudFormation: true }));
  return Object.assign(app, { stack });
}

/** Behaviours of the CDK that are off unless asked for. */
const FEATURE_FLAGS = {
  // The log bucket lets the logging service write by its policy; ACLs stay off.
  '@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy': true,
  '@aws-cdk/aws-iam:minimizePolicies': false,
  '@aws-cdk/core:checkSecretUsage': true,
};
