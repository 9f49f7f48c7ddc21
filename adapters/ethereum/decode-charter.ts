import { fromHex } from '../../core/bytes.ts';
import { deriveDatasetId } from '../../core/charter/dataset-id.ts';
import { isDatasetKind } from '../../core/charter/kind.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { address, datasetId } from '../../core/ids.ts';
import type { ChainCharter } from '../../core/ports/ledger.ts';
import type { FoundLog } from './find-logs.ts';

/** The charter in a log `Chartered`. @throws LedgerUnavailableError when it is another dataset's than the log says */
export function decodeChartered(
  domain: DisscDomain,
  { values, txHash, blockNumber, logIndex }: Omit<FoundLog, 'blockHash'>,
): ChainCharter {
  const kind = Number(values.kind);
  if (!isDatasetKind(kind))
    throw new LedgerUnavailableError(`The node returned a charter of the unknown kind ${kind}.`);
  const charter = {
    owner: address(values.owner),
    name: fromHex(values.name, 'dataset name', 32),
    kind,
    device: address(values.device),
    anchorer: address(values.anchorer),
    serial: Number(values.serial),
    // Any u64: no log comes near the numbers that are not safe here.
    from: Math.min(Number(values.from), Number.MAX_SAFE_INTEGER),
  };
  const dataset = datasetId(values.dataset);
  if (deriveDatasetId(domain, charter.owner, charter.name, kind) !== dataset) {
    throw new LedgerUnavailableError(`The node returned another dataset's charter for dataset ${dataset}.`);
  }
  return { dataset, charter, txHash, blockNumber, logIndex };
}
