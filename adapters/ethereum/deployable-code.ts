import { fromHex, to0x } from '../../core/bytes.ts';
import type { Address } from '../../core/ids.ts';

/** Where a contract's runtime code is in its creation code, and where the words of its immutables go in that. */
export interface RuntimeLayout {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly immutables: Readonly<Record<string, readonly number[]>>;
}

/** A contract whose address follows from its code and its constructor's arguments. */
export interface Deployable {
  readonly name: string;
  /** Creation bytecode with the arguments behind it, 0x-hex. */
  readonly initCode: string;
  readonly runtime: RuntimeLayout;
  /** What the constructor writes into the runtime code, as words, when it runs there. */
  immutablesAt(at: Address, chainId: number): Readonly<Record<string, Uint8Array>>;
}

/** How code on a chain is other than expected: for people. */
export interface CodeDifference {
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
}

/** The runtime code that a contract has at an address of a chain, all of it, immutables included. */
export function runtimeCode(deployable: Deployable, at: Address, chainId: number): Uint8Array {
  const { offset, sizeBytes } = deployable.runtime;
  const code = fromHex(deployable.initCode.slice(2), 'creation code').slice(offset, offset + sizeBytes);
  for (const { starts, word } of wordsOf(deployable, at, chainId)) {
    for (const start of starts) code.set(word, start);
  }
  return code;
}

/** Null when the code at an address is, to the byte, what this version deploys there. */
export function compareCode(
  deployable: Deployable,
  at: Address,
  chainId: number,
  actual: Uint8Array,
): CodeDifference | null {
  const expected = runtimeCode(deployable, at, chainId);
  if (actual.length !== expected.length) {
    return { what: 'code', expected: `${expected.length} bytes`, actual: `${actual.length} bytes` };
  }
  const difference = expected.findIndex((byte, i) => byte !== actual[i]);
  if (difference < 0) return null;
  // Other arguments are told apart from other code: there, every place of the word holds the same other word.
  for (const { name, starts, word } of wordsOf(deployable, at, chainId)) {
    if (!starts.some((start) => difference >= start && difference < start + word.length)) continue;
    const found = actual.slice(starts[0] as number, (starts[0] as number) + word.length);
    return { what: name, expected: to0x(word), actual: to0x(found) };
  }
  const part = (code: Uint8Array) => to0x(code.slice(difference, difference + 16));
  return { what: `code from byte ${difference} on`, expected: part(expected), actual: part(actual) };
}

function wordsOf(
  deployable: Deployable,
  at: Address,
  chainId: number,
): { name: string; starts: readonly number[]; word: Uint8Array }[] {
  const words = deployable.immutablesAt(at, chainId);
  return Object.entries(deployable.runtime.immutables).map(([name, starts]) => {
    const word = words[name];
    if (word === undefined) throw new Error(`The immutable ${name} of ${deployable.name} is unknown.`);
    return { name, starts, word };
  });
}
