/*
 * Loads one bundled function as Lambda does at a cold start, makes its handler, and prints what that took. Plain
 * JavaScript: nothing may be loaded beside the function itself.
 *
 *     node dev/bundles/load-entry.mjs ENTRY
 */
import { statSync } from 'node:fs';
import { createServer } from 'node:http';
import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// The addresses of the chain's nodes are a secret, which a function reads at its start.
const secrets = createServer((_, response) => response.end('{"SecretString":"https://rpc.example"}'));
await new Promise((resolve) => secrets.listen(0, '127.0.0.1', () => resolve(null)));
process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER = `http://127.0.0.1:${secrets.address().port}`;

let loadedBytes = 0;
registerHooks({
  load(url, context, nextLoad) {
    if (url.startsWith('file:')) loadedBytes += statSync(fileURLToPath(url)).size;
    return nextLoad(url, context);
  },
});
const before = { cpu: process.cpuUsage(), rssBytes: process.memoryUsage.rss() };
const { handler } = await import(pathToFileURL(resolve(process.argv[2])).href);
// An event that nobody sends: ports and handler are made for it, then it is refused. Nothing is reached for.
const context = {
  functionName: 'measured',
  memoryLimitInMB: '512',
  invokedFunctionArn: 'arn',
  awsRequestId: 'request',
};
await handler({}, { ...context, getRemainingTimeInMillis: () => 5_000 }).catch(() => undefined);
const { user, system } = process.cpuUsage(before.cpu);
const rssBytes = process.memoryUsage.rss();
process.stdout.write(`\nmeasured ${JSON.stringify({ loadedBytes, cpuMs: (user + system) / 1000, rssBytes })}\n`);
process.exit(0);
