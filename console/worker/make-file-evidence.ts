import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import { keysOfOwner } from '../../client/evidence/evidence-keys.ts';
import { makeEvidence } from '../../client/evidence/make-evidence.ts';
import { reportEvidence } from '../../client/evidence/report-evidence.ts';
import { sayEvidence } from '../../client/evidence/say-evidence.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import { KeyError } from '../../core/errors.ts';
import { encodeEvidence } from '../../core/evidence/encode-evidence.ts';
import { verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import { datasetId } from '../../core/ids.ts';
import type { Questions } from '../engine/questions.ts';
import type { Engine } from './open-engine.ts';
import type { ReaderKeys } from './reader-keys.ts';

/** Evidence of blocks, for somebody who has neither keys nor an account: what `plumb owner prove` writes. */
export async function makeFileEvidence(
  engine: Engine,
  keys: ReaderKeys,
  wanted: Questions['evidence']['ask'],
  tell: (progress: Questions['evidence']['told']) => void,
  signal: AbortSignal,
): Promise<Questions['evidence']['answer']> {
  if (keys.reader.kind === 'nobody')
    throw new KeyError('Evidence is made with the keys of the owner, or of an auditor.');
  const primitives = portablePrimitives;
  const dataset = datasetId(wanted.dataset);
  const { ledger, chainBlocks, file } = engine;
  const { signCharter } = keys;
  const evidence = await makeEvidence(
    {
      ...{ primitives, ledger, chainBlocks, openSource: engine.sourceOf(keys, dataset) },
      rounds: engine.roundsOf(keys),
      keys:
        keys.auditKeyOf === null
          ? keysOfOwner(primitives, keys.datasetKeyOf(dataset))
          : { auditKeyOf: keys.auditKeyOf(dataset), readKeyOf: null },
      charters: keys.charters.get(dataset) ?? [],
      signCharter: signCharter === null ? null : (charter: SignedCharter) => signCharter(ledger.domain, charter),
    },
    {
      ...{ dataset, anchor: 'final', fromBlock: file.fromBlock },
      blocks: { by: 'block', blocks: [{ from: wanted.from, to: wanted.to }] },
      show: { metas: true, content: wanted.open, bytes: false },
    },
    (done, all) => tell({ done, all }),
    signal,
  );
  const report = reportEvidence(evidence, verifyEvidence(primitives, evidence, ledger.domain), [], null);
  return { bytes: encodeEvidence(evidence), says: sayEvidence(report) };
}
