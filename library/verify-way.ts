import { createKuboP2pfs } from '../adapters/ipfs/kubo-p2pfs.ts';
import { createS3ObjectStore } from '../adapters/s3/s3-object-store.ts';
import type { RetrievalSource } from '../client/owner/verify-retrievable.ts';
import { ArgumentError, FileError } from '../core/errors.ts';
import type { CssN } from '../core/ports/css.ts';
import type { CssYEvidence } from '../core/protocols/challenge-storage.ts';
import type { Evidence } from '../core/verdict.ts';
import type { Connection } from './connection.ts';

/** Which protocol, where from, and what for: only what goes together. */
export type VerifyWay =
  | { readonly protocol: 'I'; readonly evidence: CssYEvidence }
  | { readonly protocol: 'II'; readonly from: 's3' | 'get-block' }
  | {
      readonly protocol: 'II';
      readonly from: 'ipfs';
      readonly evidence: 'attested' | 'retrieved';
      /** Null for the one that the connection names. */
      readonly apiUrl: string | null;
    };

/** How blocks are verified, as a command or a program says it. */
export interface WayOptions {
  /** I: the storage hashes on request. II: it only gives blocks back, or is IPFS. */
  readonly protocol: 'I' | 'II';
  /** For Protocol II, where the blocks are. */
  readonly from?: 's3' | 'get-block' | 'ipfs';
  /** What is asked for: I `attested` or `possession` (when absent), II from IPFS `attested` (when absent) or `retrieved`. */
  readonly evidence?: Evidence;
  /** RPC of the IPFS node; the connection's when absent. */
  readonly ipfs?: string;
}

/** @throws ArgumentError when the options do not go together */
export function wantedWay(options: WayOptions): VerifyWay {
  const { protocol, from, evidence } = options;
  if (options.ipfs !== undefined && from !== 'ipfs') throw new ArgumentError('--ipfs works only with --from ipfs.');
  if (protocol === 'I') {
    if (from !== undefined) throw new ArgumentError('--from works only with Protocol II. Add --protocol II.');
    if (evidence === 'retrieved') {
      throw new ArgumentError('Protocol I does not retrieve blocks. Add --protocol II and --from.');
    }
    return { protocol, evidence: evidence ?? 'possession' };
  }
  if (from === undefined)
    throw new ArgumentError("Protocol II needs the blocks' source. Add --from s3, get-block or ipfs.");
  if (evidence === 'possession') throw new ArgumentError('Only Protocol I proves possession.');
  if (from === 'ipfs') return { protocol, from, evidence: evidence ?? 'attested', apiUrl: options.ipfs ?? null };
  if (evidence === 'attested') throw new ArgumentError(`--from ${from} retrieves whole blocks; it cannot attest them.`);
  return { protocol, from };
}

/** @throws FileError when the connection does not say where that is */
export function openSource(
  way: Extract<VerifyWay, { protocol: 'II' }>,
  connection: Connection,
  css: CssN,
): { source: RetrievalSource; close: () => void } {
  if (way.from === 'ipfs') {
    const p2pfs = openIpfs(connection, way.apiUrl);
    return { source: { from: 'ipfs', p2pfs, evidence: way.evidence }, close: () => p2pfs.close() };
  }
  if (way.from === 'get-block') return { source: { from: 'get-block', css }, close: () => undefined };
  if (connection.s3 === null) {
    throw new FileError('No bucket is configured. Add s3 {bucket, region} to connection.json.');
  }
  const bucket = createS3ObjectStore(connection.s3);
  return { source: { from: 's3', bucket }, close: () => bucket.close() };
}

/** The IPFS node given, or else the connection's. @throws ArgumentError when there is none */
export function openIpfs(connection: Connection, apiUrl: string | null): ReturnType<typeof createKuboP2pfs> {
  const url = apiUrl ?? connection.ipfsApiUrl;
  if (url === null || !URL.canParse(url)) {
    throw new ArgumentError('No IPFS node is configured. Give --ipfs URL, such as http://127.0.0.1:5001.');
  }
  return createKuboP2pfs({ apiUrl: url });
}
