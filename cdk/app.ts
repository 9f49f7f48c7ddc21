import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { PlumblineError } from '../core/errors.ts';
import { bundleFunction } from './bundle-function.ts';
import { createApp } from './create-app.ts';
import { bundlePages } from './pages/bundle-pages.ts';

/*
 * What the CDK's command runs: reads the parameters from the context (`-c name=value`), bundles the functions, writes the
 * template. Nothing of it needs a network or an account.
 */
const build = join(import.meta.dirname, '..', 'build');
mkdirSync(build, { recursive: true });
// Of its own, as several may be made at a time; what is deployed is a copy beside the template.
const folder = mkdtempSync(join(build, 'lambda-'));
try {
  createApp({
    codeOf: (row) => Code.fromAsset(bundleFunction(row, join(folder, row.name)).folder),
    codeOfPages: (built) => Code.fromAsset(bundlePages(built, join(folder, 'pages'))),
  }).synth();
} catch (error) {
  if (!(error instanceof PlumblineError)) throw error;
  console.error(error.shortMessage);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
