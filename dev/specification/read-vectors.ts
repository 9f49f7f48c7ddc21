import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** At least one, and so `[0]` is there. */
type Some<T> = readonly [T, ...T[]];
/** An object with these text fields. */
type Texts<Name extends string> = Readonly<Record<Name, string>>;

interface DigestCase
  extends Texts<'dataset' | 'index' | 'block' | 'meta' | 'sha256' | 'chunkRoot' | 'metaHash' | 'digest'> {
  readonly size: number;
}

type SealedBlock = Texts<
  'aad' | 'stored' | 'digest' | 'blockKey' | 'sealed' | 'commitment' | 'contentCommitment' | 'record'
> & {
  readonly contentKey: string | null;
};

interface SealingCase
  extends Texts<
    | 'datasetKey'
    | 'auditKey'
    | 'readKey'
    | 'first'
    | 'content'
    | 'meta'
    | 'random16'
    | 'contentsRoot'
    | 'digestsRoot'
    | 'salt'
  > {
  readonly nonce: string | null;
  readonly contentBatchKey: string | null;
  readonly blocks: Some<SealedBlock>;
}

interface LogVectors {
  readonly firstLeafHashes: readonly string[];
  readonly heads: readonly { readonly size: number; readonly root: string }[];
  readonly growth: readonly {
    readonly from: number;
    readonly to: number;
    readonly peaks: readonly string[];
    readonly appended: readonly string[];
  }[];
  readonly multiproofs: readonly {
    readonly indices: readonly number[];
    readonly size: number;
    readonly nodes: readonly string[];
  }[];
}

interface HeadCase extends Texts<'hash' | 'privateKey' | 'signer' | 'signature'> {
  readonly domain: { readonly chainId: number; readonly verifyingContract: string };
  readonly head: Texts<'dataset' | 'size' | 'root'>;
}

interface OwnerCase extends Texts<'mnemonic' | 'seed'> {
  readonly owner: Texts<'address'>;
  readonly datasets: Some<
    Texts<'dissc' | 'name' | 'dataset'> & {
      readonly chainId: number;
      readonly kind: number;
      readonly devices: Some<
        Texts<'datasetKey' | 'auditKey' | 'readKey' | 'devicePrivateKey' | 'device'> & {
          readonly serial: number;
          readonly attempt: number;
        }
      >;
    }
  >;
}

interface CharterCase extends Texts<'dataset' | 'hash' | 'signature' | 'file' | 'key'> {
  readonly charter: Texts<'owner' | 'name' | 'device' | 'anchorer' | 'from'> & {
    readonly kind: number;
    readonly serial: number;
  };
}

interface SegmentCase
  extends Texts<'name' | 'dataset' | 'datasetKey' | 'first' | 'salt' | 'signature' | 'manifestCid' | 'key'> {
  readonly kind: number;
  readonly serial: number;
  readonly head: Texts<'size' | 'root'>;
  readonly carHex?: string;
  readonly blocks: Some<
    Texts<'metaHex' | 'record'> & {
      readonly content: string;
      readonly meta: unknown;
      readonly object: unknown;
      readonly offset: number;
      readonly size: number;
    }
  >;
}

interface RoundCase extends Texts<'previous' | 'history' | 'map' | 'body' | 'round' | 'leafHash'> {
  readonly number: number;
  readonly time: number;
}

/** What of `test/vectors/` the examples show, by the names that stand there. */
export interface ExampleVectors {
  readonly meta: { readonly valid: readonly { readonly meta: unknown; readonly bytes: string }[] };
  readonly digests: { readonly cases: readonly DigestCase[] };
  readonly sealing: { readonly cases: Some<SealingCase> };
  readonly log: LogVectors;
  readonly heads: { readonly good: Some<HeadCase> };
  readonly keys: { readonly owners: Some<OwnerCase> };
  readonly charters: { readonly good: Some<CharterCase> };
  readonly segments: { readonly segments: readonly SegmentCase[] };
  readonly rounds: { readonly rounds: readonly RoundCase[] };
}

const FILES = ['meta', 'digests', 'sealing', 'log', 'heads', 'keys', 'charters', 'segments', 'rounds'] as const;

/** Reads what `dev/vectors/generate-vectors.ts` has written; its types are believed. */
export function readVectors(root: string): ExampleVectors {
  const read = (name: string): unknown =>
    JSON.parse(readFileSync(join(root, 'test', 'vectors', `${name}.json`), 'utf8'));
  return Object.fromEntries(FILES.map((name) => [name, read(name)])) as unknown as ExampleVectors;
}
