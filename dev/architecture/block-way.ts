/** A station on a block's way: who does it, in which file, by which exported name, and what it does in plain words. */
export interface Station {
  readonly step: string;
  readonly where: string;
  readonly file: string;
  readonly name: string;
  readonly does: string;
}

/** A block's way from a sensor to a verdict. The generator looks each name up in its file. */
export const BLOCK_WAY: readonly Station[] = [
  {
    step: 'Capture',
    where: 'device',
    file: 'device/outbox/capture-queue.ts',
    name: 'createCaptureQueue',
    does: 'puts what the source yields on the disk, then tells the source',
  },
  {
    step: 'Seal',
    where: 'device',
    file: 'core/batch/seal-batch.ts',
    name: 'sealBatch',
    does: 'numbers, encrypts and seals the blocks of a batch',
  },
  {
    step: 'Sign',
    where: 'device',
    file: 'core/log/head.ts',
    name: 'signHead',
    does: "signs the log's head after the batch",
  },
  {
    step: 'Upload',
    where: 'device',
    file: 'device/upload/upload-batch.ts',
    name: 'uploadBatch',
    does: 'asks the service for a place, then puts one segment into S3',
  },
  {
    step: 'Check in',
    where: 'service',
    file: 'functions/ingest/check-in.ts',
    name: 'checkIn',
    does: 'verifies every block, the root and the signature, then indexes the segment',
  },
  {
    step: 'Record',
    where: 'service',
    file: 'functions/anchor.ts',
    name: 'anchorDatasets',
    does: 'sends the heads that have moved: each to DISSC, or all in one round',
  },
  {
    step: 'Follow',
    where: 'device',
    file: 'device/record/follow-heads.ts',
    name: 'followHeads',
    does: 'waits until the head is in a final block, and reads that from the chain itself',
  },
  {
    step: 'Check',
    where: 'device',
    file: 'device/check/check-batch.ts',
    name: 'checkBatch',
    does: 'makes the storage prove a random chunk of every block, then frees the disk',
  },
  {
    step: 'Verify',
    where: 'owner',
    file: 'core/protocols/owner-css-y.ts',
    name: 'verifyOwnerCssY',
    does: 'challenges the storage and compares with the chain (Protocol I; the files of II to IV are beside it)',
  },
];
