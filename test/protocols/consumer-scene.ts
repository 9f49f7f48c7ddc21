import assert from 'node:assert/strict';
import { RequestRefusedError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import type { VerdictKind } from '../../core/verdict.ts';
import { type LyingProxy, startLyingProxy } from './lying-proxy.ts';
import { BLOCKS, type RecordedStack, startRecordedStack } from './recorded-stack.ts';
import { type Bought, buy, makeSeller, type Seller } from './sale-on-stack.ts';

/** A stack on which a consumer has bought a dataset of twelve blocks, and may sample all of it. */
export interface ConsumerScene {
  readonly protocol: 'III' | 'IV';
  readonly stack: RecordedStack;
  /** Before the service. */
  readonly proxy: LyingProxy;
  readonly seller: Seller;
  /** Of another dataset. */
  readonly other: Seller;
  readonly bought: Bought;
}

export async function setScene(protocol: 'III' | 'IV'): Promise<ConsumerScene> {
  const stack = await startRecordedStack(2);
  try {
    const proxy = await startLyingProxy(stack.apiUrl);
    stack.ending(() => proxy.close());
    const [seller, other] = await Promise.all(stack.datasets.map((dataset) => makeSeller(stack, dataset)));
    stack.ending((seller as Seller).serve());
    const bought = await buy(stack, await (seller as Seller).offer());
    return { protocol, stack, proxy, seller: seller as Seller, other: other as Seller, bought };
  } catch (error) {
    await stack.close();
    throw error;
  }
}

export const all = (kind: VerdictKind): VerdictKind[] => Array.from({ length: BLOCKS }, () => kind);

/** All intact but for these. */
export const except = (...others: (readonly [number, VerdictKind])[]): VerdictKind[] =>
  others.reduce((kinds, [index, kind]) => kinds.with(index, kind), all('intact'));

/** How the storage answers for each block: `given`, the kind of its fault, or the type of its refusal. */
export async function askStorage(
  protocol: 'III' | 'IV',
  service: ReturnType<RecordedStack['clientOf']>,
  dataset: DatasetId,
  blocks: readonly number[],
): Promise<string[]> {
  const typeOf = (error: unknown): string => {
    if (error instanceof RequestRefusedError) return error.type;
    throw error;
  };
  const wordFor = (answers: readonly { index: number }[], index: number): string => {
    const answer = answers.find((one) => one.index === index);
    if (answer === undefined) return 'nothing';
    return 'kind' in answer ? String(answer.kind) : 'given';
  };
  if (protocol === 'IV') {
    const words: string[] = [];
    for (const index of blocks) {
      const given = await service.getBlock(dataset, index).catch(typeOf);
      words.push(typeof given === 'string' ? given : 'kind' in given ? given.kind : 'given');
    }
    return words;
  }
  const challenges = blocks.map((index) => ({ index, random: 7 * index }));
  const proven = await service.proveChunks(dataset, challenges).catch(typeOf);
  const hashed = await service.hashBlocks(dataset, blocks).catch(typeOf);
  const [first, second] = [proven, hashed].map((given) =>
    blocks.map((index) => (typeof given === 'string' ? given : wordFor(given.answers, index))),
  );
  // Hashes are no data: they use up no sample. All else is under the same terms.
  assert.deepEqual(
    second,
    first?.map((word) => (word === 'refused' ? 'given' : word)),
  );
  return first as string[];
}

/** An agent who serves nothing: for sales in which no key is asked for. */
export const IDLE_AGENT = `0x${'1d'.repeat(20)}` as Address;

/** What the storage says of a block that is neither paid for nor a sample. */
export const notPaid = (protocol: 'III' | 'IV'): string => (protocol === 'III' ? 'refused' : '/problems/not-paid');

/** The path of what a protocol asks the storage for. */
export const isAnswerPath = (path: string): boolean => /\/(proofs|hashes)|\/blocks\//.test(path);
