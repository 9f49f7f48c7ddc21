import type { RealStackUnderTest } from './stack-under-test.ts';

/** A program of the stack that may be killed (-9) and started again on what it has on disk. */
export interface Killable {
  readonly name: string;
  readonly kill: () => Promise<void>;
  readonly revive: () => Promise<void>;
  /** Stops answering and keeps its connections, until `thaw`. */
  readonly freeze: () => void;
  readonly thaw: () => void;
}

export function killsOf({ objects, table, ipfs, network }: RealStackUnderTest): Killable[] {
  // The one that service, device and command line ask.
  const [asked] = network.nodes;
  if (asked === undefined) throw new Error('The network has no nodes.');
  const killable = (name: string, program: Program, revive = () => program.restart()): Killable => ({
    ...{ name, revive, kill: () => program.kill(), freeze: () => program.freeze(), thaw: () => program.thaw() },
  });
  return [
    killable('versitygw', objects),
    killable('DynamoDB Local', table),
    killable('Kubo', ipfs),
    killable('geth', asked, () => network.revive(asked)),
  ];
}

interface Program {
  kill(): Promise<void>;
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
}
