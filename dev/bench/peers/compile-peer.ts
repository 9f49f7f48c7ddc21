import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

interface Compiler {
  compile(input: string): string;
}

interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts?: Readonly<Record<string, Readonly<Record<string, { evm: { bytecode: { object: string } } }>>>>;
}

/** Creation bytecode of one of dev/bench/contracts, by the compiler and the settings that ours are made with. */
export function compilePeer(contract: 'SlotPerBlock' | 'AttestationStandIn'): string {
  const file = `${contract}.sol`;
  const content = readFileSync(join(import.meta.dirname, '..', 'contracts', file), 'utf8');
  const settings = {
    ...{ evmVersion: 'cancun', viaIR: true, optimizer: { enabled: true, runs: 1_000_000 } },
    outputSelection: { [file]: { [contract]: ['evm.bytecode.object'] } },
  };
  const input = { language: 'Solidity', sources: { [file]: { content } }, settings };
  // Loaded only here: it takes seconds and half a gigabyte.
  const solc = createRequire(import.meta.url)('solc') as Compiler;
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as Output;
  const failed = output.errors?.filter(({ severity }) => severity === 'error') ?? [];
  const bytecode = output.contracts?.[file]?.[contract]?.evm.bytecode.object;
  if (bytecode !== undefined && failed.length === 0) return `0x${bytecode}`;
  throw new Error(failed.map(({ formattedMessage }) => formattedMessage).join('\n'));
}
