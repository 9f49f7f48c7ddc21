import type { RealStackUnderTest } from './stack-under-test.ts';

/** A program of the stack that may be killed (-9) and started again on what it has on disk. */
export interface Killable {
  readonly name: string;
  readonly kill: () => Promise<void>;
  readonly revive: () => Promise<void>;
}

export function killsOf({ objects, table, ipfs, network }: RealStackUnderTest) {
  // The one that service, device and command line ask.
  const [asked] = network.nodes;
  if (asked === undefined) throw new Error('The network has no nodes.');
  return [
    { name: 'versitygw', kill: () => objects.kill(), revive: () => objects.restart() },
    { name: 'DynamoDB Local', kill: () => table.kill(), revive: () => table.restart() },
    { name: 'Kubo', kill: () => ipfs.kill(), revive: () => ipfs.restart() },
    { name: 'geth', kill: () => asked.kill(), revive: () => network.revive(asked) },
  ] as const satisfies readonly Killable[];
}
