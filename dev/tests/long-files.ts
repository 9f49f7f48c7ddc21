/**
 * Files that take longest on two idle processors, the longest first: begun first where nothing is known of an earlier run, as on
 * a fresh clone. They start programs, wait for blocks, or both.
 */
export const LONG_FILES: readonly string[] = [
  'test/demo/demo.test.ts',
  'test/device/survive-kill.test.ts',
  'test/cli/owner-sale.test.ts',
  'test/device/device-on-stack.test.ts',
  'test/protocols/consumer-css-n-on-stack.test.ts',
  'test/protocols/consumer-css-y-on-stack.test.ts',
  'test/protocols/every-wei-on-stack.test.ts',
  'test/protocols/killed-on-stack.test.ts',
  'test/protocols/owner-css-n-on-stack.test.ts',
  'test/protocols/owner-css-y-on-stack.test.ts',
  'test/cli/fleet.test.ts',
  'test/attacks/consumer-cli.test.ts',
  'test/cli/owner.test.ts',
  'test/functions/serve-consumers-races.test.ts',
  'test/cli/contracts.test.ts',
  'test/functions/anchor-grants-crash.test.ts',
  'test/functions/anchor-grants.test.ts',
  'test/cdk/bundle.test.ts',
  'test/cdk/deployment.test.ts',
  'test/conformance/object-store/embedded.test.ts',
  'test/functions/serve-consumers.test.ts',
  'test/functions/ingest-segment.test.ts',
  'test/client/sale-mailbox.test.ts',
  'test/functions/anchor-crash.test.ts',
  'test/functions/anchor.test.ts',
  'test/package/content.test.ts',
  'test/package/device-bundle.test.ts',
  'test/device/mqtt.test.ts',
];
