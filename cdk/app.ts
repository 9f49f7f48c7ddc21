import { Code } from 'aws-cdk-lib/aws-lambda';
import { PlumblineError } from '../core/errors.ts';
import { bundleFunctions } from './bundle-functions.ts';
import { createApp } from './create-app.ts';

/*
 * What the CDK's command runs: reads the parameters from the context (`-c name=value`), bundles the functions, writes the
 * template. Nothing of it needs a network or an account.
 */
try {
  createApp({ code: () => Code.fromAsset(bundleFunctions()) }).synth();
} catch (error) {
  if (!(error instanceof PlumblineError)) throw error;
  console.error(error.shortMessage);
  process.exitCode = 1;
}
