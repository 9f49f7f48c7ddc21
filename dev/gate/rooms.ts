/*
 * The import gate. `npm run check:imports` reads every source file and refuses what is not on the lists below: another
 * room's file, a package, a name that the file does not bind, an arrow that runs up a floor, a circle of files.
 *
 * To use a package in a room: put it into `package.json` and `docs/dependencies.md`, then into that room's `packages` by
 * the exact words of the import ('@noble/hashes/sha3.js' and '@noble/hashes/sha2.js' are two); `node:` modules are listed
 * alike. 'all' gives it to the whole room, a list to those folders and files. `types` is for `import type` alone.
 * To import another room: `imports`, by room, folder or file. Mind the direction (docs and design: cli, console, cdk, local,
 * lambda -> device, client, functions, adapters -> core): whoever needs a thing from further out takes it as an argument.
 * To use a global name (`URL`, `Math.floor`): `globals.ts`. Clock, timers and chance come from core/ports/runtime.ts.
 * A new folder at the top is a room: give it an entry. A new folder in functions/ stands on a floor: name it there, else
 * it counts as a handler.
 * The gate holds off mistakes and short cuts. It does not look into packages, nor see through text made at run time.
 */
import { FLOORS_OF_FUNCTIONS } from './floors.ts';
import { COMPOSING, OUTSIDE, PORTED, PORTED_WITH_PROGRAMS, PURE } from './globals.ts';
import { everywhere, type Rooms } from './room.ts';

export const rooms: Rooms = {
  core: {
    purpose: 'the protocol, pure: it runs the same in Node, in Lambda and in a browser, under any clock',
    imports: {},
    packages: {
      ...everywhere('@hpke/core', '@ipld/car/buffer-writer', '@ipld/dag-cbor', '@noble/curves/ed25519.js'),
      ...everywhere('@noble/curves/secp256k1.js', '@noble/hashes/sha3.js', 'multiformats/cid'),
      ...everywhere('multiformats/hashes/digest', 'zod'),
    },
    globals: PURE,
  },
  adapters: {
    purpose:
      "what implements a port of core/ on somebody's service or machine; the only room with ethers, AWS and Kubo",
    imports: { core: 'all' },
    packages: {
      ...everywhere('node:crypto', 'node:fs', 'node:fs/promises', 'node:http', 'node:https', 'node:path'),
      ...everywhere('node:sqlite', 'node:timers/promises', 'zod'),
      '@aws-crypto/sha256-js': ['adapters/crypto'],
      '@aws-sdk/client-dynamodb': ['adapters/dynamodb'],
      '@aws-sdk/client-kms': ['adapters/kms'],
      '@aws-sdk/client-lambda': ['adapters/service'],
      '@aws-sdk/client-s3': ['adapters/s3'],
      '@aws-sdk/client-sqs': ['adapters/sqs'],
      '@aws-sdk/s3-request-presigner': ['adapters/s3'],
      '@noble/ciphers/aes.js': ['adapters/crypto'],
      '@noble/curves/secp256k1.js': ['adapters/ethereum', 'adapters/kms'],
      '@slicekit/erc8128': ['adapters/http-signature'],
      asn1js: ['adapters/timestamp'],
      pkijs: ['adapters/timestamp'],
      ethers: ['adapters/ethereum', 'adapters/http-signature', 'adapters/keys', 'adapters/kms'],
      'kubo-rpc-client': ['adapters/ipfs'],
      'node:net': ['adapters/keys/holder'],
    },
    types: { 'aws-lambda': ['adapters/http-signature'] },
    globals: OUTSIDE,
  },
  functions: {
    purpose: "the storage service's operations, on ports alone",
    // Who signed a request is a matter of its bytes: no service is asked, so it is no port.
    imports: { core: 'all', 'adapters/http-signature': ['functions/http', 'functions/rights'] },
    packages: { ...everywhere('@middy/core', 'zod') },
    types: { 'aws-lambda': ['functions/http'] },
    globals: PORTED,
    floors: FLOORS_OF_FUNCTIONS,
  },
  lambda: {
    purpose: "one entry for each function: it opens, from the environment, the ports that the function's row allows",
    imports: { adapters: 'all', core: 'all', functions: 'all' },
    packages: {
      ...everywhere('@aws-lambda-powertools/logger', '@aws-lambda-powertools/logger/middleware'),
      ...everywhere('@aws-lambda-powertools/metrics', '@aws-lambda-powertools/metrics/middleware'),
      ...everywhere('@aws-lambda-powertools/tracer', '@aws-lambda-powertools/tracer/middleware', 'zod'),
    },
    types: everywhere('@middy/core'),
    globals: COMPOSING,
  },
  device: {
    purpose: 'what runs beside a sensor, from source and outbox to upload and record',
    imports: {
      core: 'all',
      // What it shares with client/sale: its own files on this machine, private and locked.
      'adapters/keys': ['device/mqtt/read-secrets.ts', 'device/outbox', 'device/provision'],
      'adapters/sqlite': ['device/outbox'],
    },
    packages: {
      ...everywhere('node:path', 'zod'),
      'mqtt-packet': ['device/mqtt', 'device/sources/read-mqtt.ts'],
      'node:child_process': ['device/sources/run-command.ts'],
      'node:fs': ['device/outbox'],
      'node:fs/promises': ['device/mqtt/read-secrets.ts'],
      'node:net': ['device/mqtt'],
      'node:sqlite': ['device/outbox/open-outbox.ts'],
      'node:tls': ['device/mqtt/open-socket.ts'],
      'node:v8': ['device/limit-memory.ts'],
      'node:zlib': ['device/outbox'],
    },
    types: { 'node:stream': ['device/sources'] },
    globals: PORTED_WITH_PROGRAMS,
  },
  client: {
    purpose: 'what a program of an owner, a consumer or an auditor imports',
    imports: {
      core: 'all',
      // What it shares with device/: its own files on this machine, private and locked.
      'adapters/keys/require-private.ts': ['client/sale'],
      'adapters/sqlite': ['client/sale'],
      // The typed client is made from the table, which is data; it signs requests, and sends them over HTTP by default.
      'adapters/http-signature': ['client/service'],
      'adapters/service': ['client/service'],
      'functions/table.ts': ['client/service'],
    },
    packages: {
      ...everywhere('node:path', 'zod'),
      'multiformats/cid': ['client/owner'],
      'node:fs': ['client/sale'],
      'node:fs/promises': ['client/consumer/stage-delivery.ts', 'client/restore'],
      'node:sqlite': ['client/sale'],
    },
    globals: PORTED,
  },
  library: {
    purpose: 'what a program on Node imports as `plumbline`: client/ combined with adapters/, opened from files',
    imports: {
      ...everywhere('adapters', 'client', 'core'),
      // Answers of a sale are made of what the front of a segment lists.
      'device/log/fetch-front.ts': ['library/fetch-manifest.ts'],
      device: ['library/connect-device.ts'],
    },
    packages: everywhere('node:fs/promises', 'node:path', 'zod'),
    globals: COMPOSING,
  },
  cli: {
    purpose: 'the command line: it reads arguments, composes and prints',
    imports: {
      ...everywhere('adapters', 'client', 'core', 'device', 'library'),
      // `plumb local` and `plumb try` start the embedded stack, `plumb serve` the service on other parts.
      local: ['cli/local', 'cli/serve', 'cli/service', 'cli/try'],
      // `plumb service` runs the service's own operations, on a local stack or by the environment that Lambda has.
      ...{ functions: ['cli/service'], lambda: ['cli/service'] },
      'package.json': ['cli/plumb.ts'],
    },
    packages: {
      ...everywhere('commander', 'node:fs', 'node:fs/promises', 'node:path', 'node:os', 'node:util', 'zod'),
      '@inquirer/password': ['cli/prompt-password.ts'],
      'node:crypto': ['cli/consumer', 'cli/keys', 'cli/service', 'cli/try'],
      'node:timers/promises': ['cli/try'],
      // The stack that `plumb try` keeps is a process of its own, and so is what holds unlocked keys.
      'node:child_process': ['cli/keys', 'cli/try'],
      'node:stream/promises': ['cli/try'],
    },
    globals: 'all',
  },
  console: {
    purpose: 'the web page: core and client in a browser',
    imports: {
      ...everywhere('client', 'core'),
      'adapters/crypto/portable-primitives.ts': 'all',
      // The console's worker composes, as the command line does: the chain, the service, keys that are opened here.
      ...{ 'adapters/ethereum': ['console/worker'], 'adapters/service': ['console/worker'] },
      // Reading from a chain's nodes needs nothing that a browser lacks.
      'adapters/ethereum/dissc-witness.ts': ['console/check/ask-chain.ts'],
      'adapters/keys/mnemonic.ts': ['console/worker'],
      'adapters/keys/open-keystore.ts': ['console/worker'],
    },
    packages: {
      preact: ['console/page'],
      'preact/hooks': ['console/page'],
      uplot: ['console/page'],
      '@noble/ciphers/aes.js': ['console/shims'],
    },
    globals: 'all',
  },
  cdk: {
    purpose: 'the AWS deployment, made from the table of functions',
    imports: everywhere('core', 'functions/row.ts', 'functions/table.ts', 'lambda/variables.ts'),
    packages: {
      ...everywhere('aws-cdk-lib', 'cdk-nag', 'constructs', 'esbuild', 'node:fs', 'node:path', 'zod'),
      'node:zlib': ['cdk/pages/page-handler.ts'],
      ...everywhere('aws-cdk-lib/aws-apigateway', 'aws-cdk-lib/aws-apigatewayv2', 'aws-cdk-lib/aws-certificatemanager'),
      ...everywhere('aws-cdk-lib/aws-apigatewayv2-integrations', 'aws-cdk-lib/aws-cloudwatch'),
      ...everywhere('aws-cdk-lib/aws-cloudwatch-actions', 'aws-cdk-lib/aws-dynamodb', 'aws-cdk-lib/aws-events'),
      ...everywhere('aws-cdk-lib/aws-iam', 'aws-cdk-lib/aws-kms', 'aws-cdk-lib/aws-lambda', 'aws-cdk-lib/aws-logs'),
      ...everywhere('aws-cdk-lib/aws-s3', 'aws-cdk-lib/aws-secretsmanager', 'aws-cdk-lib/aws-sns'),
      ...everywhere('aws-cdk-lib/aws-sns-subscriptions', 'aws-cdk-lib/aws-sqs'),
    },
    globals: 'all',
    // The bundles are made of the tree's own files.
    finds: ['.'],
  },
  local: {
    purpose: 'the embedded stack: the same functions on parts from npm, or on real daemons',
    imports: everywhere('adapters', 'core', 'functions'),
    packages: {
      ...everywhere('node:crypto', 'node:events', 'node:fs', 'node:fs/promises', 'node:http', 'node:net'),
      ...everywhere('node:path', 'node:timers/promises', 'zod'),
      ...forIpfs('@ipld/car/iterator', '@ipld/dag-cbor', '@ipld/dag-pb', 'blockstore-fs', 'ipfs-unixfs-exporter'),
      ...forIpfs('ipfs-unixfs-importer', 'ipfs-unixfs-importer/chunker', 'multiformats/bases/base58'),
      ...forIpfs('multiformats/cid', 'multiformats/hashes/sha2'),
      dynalite: ['local/stack/close-iterators.ts', 'local/stack/start-dynalite.ts'],
      'node:child_process': ['local/stack/hide-listener.ts', 'local/stack/start-anvil.ts'],
      'node:module': ['local/stack/close-iterators.ts', 'local/stack/start-anvil.ts'],
      'node:os': ['local/stack/hide-listener.ts', 'local/stack/start-anvil.ts'],
      'node:stream': ['local/stack/guard-table.ts'],
      'node:stream/promises': ['local/s3'],
      'node:util': ['local/stack'],
      'node:zlib': ['local/console', 'local/s3', 'local/stack'],
    },
    types: { ...forIpfs('multiformats/hashes/interface'), 'node:stream': 'all' },
    globals: 'all',
    finds: [],
    // The handler of a row, which does not know its function.
    loads: ['local/host/invoke-function.ts'],
  },
  examples: {
    purpose: 'programs to start from',
    imports: everywhere('adapters', 'cli', 'client', 'core', 'device', 'library', 'local'),
    packages: {
      ...everywhere('node:child_process', 'node:crypto', 'node:events', 'node:fs/promises', 'node:http', 'node:module'),
      ...everywhere('node:os', 'node:path', 'node:readline', 'node:stream/consumers', 'node:util', 'vega-datasets'),
    },
    types: everywhere('node:net'),
    globals: 'all',
    finds: ['bin/plumb'],
  },
  dev: {
    purpose: 'what builds, measures and checks the project; users get none of it',
    imports: {
      ...everywhere('adapters', 'cli', 'client', 'core', 'device', 'functions', 'local'),
      // Bundles are measured as they are deployed; the bench times the demo.
      cdk: ['dev/bundles'],
      examples: ['dev/bench'],
      // Benches stand on the fixture of the functions' tests.
      'test/functions/start-service.ts': [
        'dev/bench/aws-requests.ts',
        'dev/bench/ingest-load.ts',
        'dev/bench/strangers.ts',
      ],
      'test/functions/stated-owners.ts': ['dev/bench/ingest-load.ts'],
      'test/functions/service-settings.ts': ['dev/bench/anchor-rounds.ts', 'dev/bench/ingest-load.ts'],
      'test/functions/log-fixture.ts': ['dev/bench/anchor-rounds.ts'],
      'test/functions/many-heads.ts': ['dev/bench/anchor-rounds.ts'],
      'test/functions/long-log.ts': ['dev/bench/cold-records.ts'],
      'test/functions/memory-table.ts': ['dev/bench/cold-records.ts', 'dev/bench/ingest-load.ts'],
      'package.json': ['dev/packaging/device-entry.ts'],
    },
    packages: {
      ...everywhere('node:child_process', 'node:crypto', 'node:events', 'node:fs', 'node:fs/promises', 'node:net'),
      ...everywhere('node:os', 'node:path', 'node:readline', 'node:timers/promises', 'node:url', 'node:util', 'zod'),
      ...everywhere('@aws-sdk/client-dynamodb', '@aws-sdk/client-s3', '@noble/curves/secp256k1.js', 'commander'),
      ...everywhere('esbuild', 'ethers', 'node:module', 'node:test', 'node:test/reporters', 'solc'),
      '@aws-sdk/client-cloudformation': ['dev/emulator'],
      '@nomicfoundation/edr': ['dev/contracts'],
      'node:async_hooks': ['dev/tests/quicken-runner.ts'],
      'node:http': ['dev/bench/fleet/count-rpc.ts', 'dev/bundles/load-entry.mjs', 'dev/tests/node-http.cjs'],
      'node:stream': ['dev/bench/fleet', 'dev/simulate'],
      'node:v8': ['dev/bench/memory.ts'],
      'node:zlib': ['dev/console'],
      '@typescript-eslint/scope-manager': ['dev/gate'],
      'oxc-parser': ['dev/documented', 'dev/gate'],
    },
    globals: 'all',
    finds: ['.'],
    loads: ['dev/bundles/load-entry.mjs'],
  },
  test: {
    purpose: 'tests and what they share; no other room imports them',
    imports: {
      ...everywhere('adapters', 'cdk', 'cli', 'client', 'core', 'dev', 'device', 'examples', 'functions'),
      ...everywhere('lambda', 'library', 'local'),
      console: ['test/console'],
      'package.json': ['test/cli/run-here.ts'],
    },
    packages: {
      ...everywhere('node:assert/strict', 'node:child_process', 'node:crypto', 'node:events', 'node:fs'),
      ...everywhere(
        'node:fs/promises',
        'node:http',
        'node:https',
        'node:module',
        'node:net',
        'node:os',
        'node:path',
        'node:readline',
      ),
      ...everywhere('node:sqlite', 'node:stream', 'node:stream/consumers', 'node:test', 'node:timers/promises'),
      ...everywhere('node:url', 'node:util', 'zod', 'fast-check', 'ethers', 'kubo-rpc-client', 'mqtt', 'mqtt-packet'),
      ...everywhere('@aws-sdk/client-apigatewayv2', '@aws-sdk/client-cloudformation', '@aws-sdk/client-dynamodb'),
      ...everywhere('@aws-sdk/client-iam', '@aws-sdk/client-kms', '@aws-sdk/client-lambda', '@aws-sdk/client-s3'),
      ...everywhere('@aws-sdk/client-sqs', '@aws-sdk/s3-request-presigner', 'aws-sdk-client-mock'),
      ...everywhere('@ipld/car/buffer-writer', '@ipld/dag-cbor', 'multiformats/bases/base58', 'multiformats/cid'),
      ...everywhere('@noble/curves/secp256k1.js', '@noble/hashes/sha3.js', '@slicekit/erc8128'),
      // A time-stamping authority that does as it is told.
      ...{ asn1js: ['test/adapters/timestamp'], pkijs: ['test/adapters/timestamp'] },
      'node:async_hooks': ['test/cli/run-here.ts', 'test/dev/uncaught'],
      'node:v8': ['test/local/retained.test.ts'],
      dynalite: ['test/local/retained.test.ts'],
      'abstract-level': ['test/local/retained.test.ts'],
      '@seriousme/openapi-schema-validator': ['test/openapi'],
      'axe-core/axe.min.js': ['test/console'],
      'playwright-core': ['test/console'],
      'aws-cdk-lib/assertions': ['test/cdk'],
      'aws-cdk-lib/aws-lambda': ['test/cdk'],
      'aws-cdk-lib/aws-s3': ['test/cdk'],
    },
    types: { 'aws-cdk-lib': ['test/cdk'], 'aws-lambda': ['test/http-signature'] },
    globals: 'all',
    finds: ['.'],
    // Ports by a row's name; examples of the documentation, each written to a file first.
    loads: ['test/functions/lambda-ports.ts', 'test/library/load-example.ts'],
  },
};

function forIpfs(...packages: string[]): Record<string, readonly string[]> {
  return Object.fromEntries(packages.map((name) => [name, ['local/ipfs']]));
}
