import type { SealedDigest } from '../../core/ids.ts';
import {
  decodeHashedBlocks,
  decodeProvenChunks,
  decodeRecords,
  encodeHashedBlocks,
  encodeProvenChunks,
  encodeRecords,
} from '../../core/wire/answers.ts';
import type { Answered, Asked, Fate, LyingProxy } from './lying-proxy.ts';
import { flipBit } from './recorded-stack.ts';

export function changed(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  flipBit(copy);
  return copy;
}

/** The answer for block 3, with one bit changed. */
export function lie(path: string): Fate {
  if (/\/blocks\/3\b/.test(path)) return (answer) => ({ ...answer, body: changed(answer.body) });
  if (path.includes('/hashes')) {
    return (answer) => {
      const { answers, remaining } = decodeHashedBlocks(answer.body);
      const lied = answers.map((one) => {
        if (one.index !== 3 || 'kind' in one) return one;
        const sha256 = changed(one.opening.sha256) as typeof one.opening.sha256;
        return { ...one, opening: { ...one.opening, sha256 } };
      });
      return { ...answer, body: encodeHashedBlocks({ answers: lied, remaining }) };
    };
  }
  if (!path.includes('/proofs')) return 'pass';
  return (answer) => {
    const { answers, remaining } = decodeProvenChunks(answer.body);
    const lied = answers.map((one) =>
      one.index === 3 && 'chunk' in one ? { ...one, chunk: changed(one.chunk) as typeof one.chunk } : one,
    );
    return { ...answer, body: encodeProvenChunks({ answers: lied, remaining }) };
  };
}

/** Block 4's answer for block 3. */
export function substitute(path: string, before: ReadonlyMap<string, Answered>): Fate {
  if (/\/blocks\/3\b/.test(path)) return () => before.get(path.replace('/blocks/3', '/blocks/4')) as Answered;
  const swap = <T extends { readonly index: number }>(answers: readonly T[]): T[] => {
    const fourth = answers.find(({ index }) => index === 4) as T;
    return answers.map((one) => (one.index === 3 ? { ...fourth, index: 3 } : one));
  };
  return (answer) => {
    if (path.includes('/hashes')) {
      const { answers, remaining } = decodeHashedBlocks(answer.body);
      return { ...answer, body: encodeHashedBlocks({ answers: swap(answers), remaining }) };
    }
    if (!path.includes('/proofs')) return answer;
    const { answers, remaining } = decodeProvenChunks(answer.body);
    return { ...answer, body: encodeProvenChunks({ answers: swap(answers), remaining }) };
  };
}

/** The sealed digest of block 5, wherever it is asked for, with one bit changed. */
export function changeRecord(answer: Answered): Answered {
  const { batches, ...rest } = decodeRecords(answer.body);
  const lied = batches.map((batch) => ({
    ...batch,
    records: batch.records.map((one) =>
      one.index === 5 ? { ...one, record: { ...one.record, sealed: changed(one.record.sealed) as SealedDigest } } : one,
    ),
  }));
  return { ...answer, body: encodeRecords({ ...rest, batches: lied }) };
}

/** Sends the very same signed bytes once more, to the same path or another. */
export function sendAgain(proxy: LyingProxy, apiUrl: string, asked: Asked, path = asked.path) {
  const { method, headers, body } = asked;
  const kept = Object.entries(headers).filter(([name]) => SIGNED.has(name));
  return proxy.transport(
    { name: 'get-block', invoke: false },
    {
      ...{ method, url: apiUrl + path, headers: Object.fromEntries(kept) as Record<string, string> },
      ...(body.length === 0 ? {} : { body }),
    },
    AbortSignal.timeout(10_000),
  );
}

/** Headers that a signed request brings; the others are of its connection. */
const SIGNED = new Set(['signature', 'signature-input', 'content-digest', 'content-type']);
