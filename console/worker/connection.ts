import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { ArgumentError } from '../../core/errors.ts';
import { address } from '../../core/ids.ts';
import { inAnswer } from '../../core/parse-outside.ts';
import { type ConsoleFile, consoleFile } from '../../core/wire/console-file.ts';
import { withKnownCharters } from './known-charters.ts';

/** A chain and its contract, as far as the list of datasets needs them: what is not needed for it is loaded after it. */
export interface Connection {
  readonly file: ConsoleFile;
  readonly rpcUrl: string;
  readonly origin: string;
  /** For every part that asks this node: which chain it is on is asked once. */
  readonly chain: Parameters<typeof createJsonRpc>[0];
  readonly ledger: ReturnType<typeof createDisscLedger>;
}

/**
 * @param placeText what the server said of the place that it serves
 * @throws AnswerError when that does not tell where chain and contracts are; ArgumentError when nobody names a node
 */
export function openConnection(origin: string, placeText: string, rpcUrl: string | null): Connection {
  const file = inAnswer(`The server at ${origin}`, () => consoleFile.parse(JSON.parse(placeText)));
  const { chainId, finalDepth } = file;
  const node = rpcUrl ?? file.rpcUrl ?? (file.passesOn ? `${origin}/console/chain` : null);
  if (node === null) {
    throw new ArgumentError(
      `This server does not read the chain for you. Name a node of chain ${chainId} that answers web pages: follow "What this page believes" below.`,
    );
  }
  const plain = { rpcUrl: node, chainId, ...(finalDepth === null ? {} : { finalDepth }) };
  const chain = { ...plain, rpc: createJsonRpc(plain) };
  return {
    ...{ file, rpcUrl: node, origin, chain },
    ledger: withKnownCharters(createDisscLedger({ ...chain, dissc: address(file.dissc) })),
  };
}
