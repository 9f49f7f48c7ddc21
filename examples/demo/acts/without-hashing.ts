import { readFile } from 'node:fs/promises';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { readSecretFile } from '../../../adapters/keys/secret-file.ts';
import { readSegment } from '../../../core/batch/read-segment.ts';
import { stackFile } from '../../../core/wire/stack-file.ts';
import { plumb } from '../plumb-process.ts';
import type { StepLog } from '../step-log.ts';
import type { DemoDataset, DemoOwner } from './owner-setup.ts';
import { verdictsOf } from './verify.ts';

const TWO = ['--protocol', 'II', '--from'];

/** Protocol II in its three ways: a bucket that only gives bytes back, IPFS by CIDs, and IPFS with other people's hashing. */
export async function verifyWithoutHashing(
  log: StepLog,
  owner: DemoOwner,
  { files, load }: Readonly<Record<'files' | 'load', DemoDataset>>,
  sizes: Readonly<Record<'files' | 'load', number>>,
  storedLoad: string,
  earlier: Promise<unknown>,
): Promise<void> {
  log.act('The owner verifies storage that does not hash (Protocol II)');
  const fromBucket = verdictsOf(owner, files, [...TWO, 's3']);
  // One account's transactions go one after the other.
  const linked = earlier.then(() => linkOtherwiseHashed(owner, load, storedLoad));
  const published = plumb(['owner', 'publish', files.name, ...owner.args], { env: owner.env });
  for (const begun of [fromBucket, linked, published]) begun.catch(() => {});
  await log.step(
    "files, byte ranges of the bucket, without anyone's cooperation",
    `${sizes.files} intact`,
    () => fromBucket,
  );
  await log.step('files in IPFS, by the CIDs that its node names', `${sizes.files} intact`, async () => {
    await published;
    return verdictsOf(owner, files, [...TWO, 'ipfs']);
  });
  await log.step(
    'a block of load that another tool put into IPFS, fetched from there and hashed here',
    '1 intact',
    async () => {
      await linked;
      const flags = ['--evidence', 'retrieved', '--blocks', '0', '--anchor', 'latest'];
      return verdictsOf(owner, load, [...TWO, 'ipfs', ...flags]);
    },
  );
}

/** Adds the dataset's first block as another tool would, in pieces of 16 bytes, and links it on the chain. */
async function linkOtherwiseHashed(owner: DemoOwner, dataset: DemoDataset, stored: string): Promise<void> {
  const { ipfsApiUrl } = stackFile.parse(JSON.parse(await readSecretFile(owner.stackFile)));
  const [block] = readSegment(nodePrimitives, new Uint8Array(await readFile(stored))).blocks;
  const body = new FormData();
  body.append('file', new Blob([Buffer.from(block as Uint8Array)]));
  const url = `${ipfsApiUrl}/api/v0/add?chunker=size-16&pin=true`;
  const response = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(10_000) });
  const { Hash } = JSON.parse((await response.text()).trim().split('\n').at(-1) as string) as { Hash: string };
  await plumb(['owner', 'link', dataset.name, ...owner.args, `0=${Hash}`], { env: owner.env });
}
