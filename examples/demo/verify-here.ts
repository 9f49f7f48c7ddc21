import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createOutput } from '../../cli/output.ts';
import { openOwner } from '../../cli/owner/owner-home.ts';
import { verifyDataset } from '../../client/owner/verify-dataset.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { CssYEvidence } from '../../core/protocols/challenge-storage.ts';
import { openLedger, openService, readConnection } from '../../library/connection.ts';
import { datasetKeyOf } from '../../library/opened-owner.ts';
import type { DemoDataset, DemoOwner } from './acts/owner-setup.ts';
import { sayVerdicts } from './acts/verify.ts';

/** Verifies a dataset and says its verdicts shortly. */
export type VerifyHere = (dataset: DemoDataset, evidence: CssYEvidence, apiUrl?: string) => Promise<string>;

/**
 * The check of `plumb owner verify`, in this process: the owner's keystore, whose password is costly to try on purpose, is
 * opened once instead of for each of many verifications.
 */
export async function openVerifier(owner: DemoOwner, signal: AbortSignal): Promise<VerifyHere> {
  const context = {
    ...{
      output: createOutput(true),
      home: owner.home,
      stack: owner.stackFile,
      passwordFile: owner.passwordFile,
      signal,
    },
    onHeldUp: () => {},
  };
  const opened = await openOwner(context);
  const connection = await readConnection(context);
  const ledger = openLedger(connection);
  return async ({ dataset }, evidence, apiUrl = connection.apiUrl) => {
    const css = await openService({ ...connection, apiUrl }, opened, 'http');
    const id = dataset as DatasetId;
    const audit = { dataset: id, datasetKeyOf: datasetKeyOf(opened, id), evidence, anchor: 'final' as const };
    return sayVerdicts(await verifyDataset({ primitives: nodePrimitives, ledger, css }, audit, () => {}, signal));
  };
}
