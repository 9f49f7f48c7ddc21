import { resolve } from 'node:path';
import type { DatasetId } from '../core/ids.ts';
import { type AuditOptions, auditBucket, requireSameChain } from './audit-bucket.ts';
import { type AuditorFile, auditedDataset, readAuditorFile } from './auditor-file.ts';
import type { Connection } from './connection.ts';
import { openConnection, type WhereOptions } from './program-parts.ts';
import { auditorAsProver, type Proven, type ProveOptions, proveFor } from './prove-blocks.ts';
import { Verification } from './verification.ts';

/** Options for opening an auditor. */
export interface AuditorOptions extends WhereOptions {
  /** Path of the file that `plumb owner auditor` wrote; mode 0600. */
  readonly file: string;
  /** Folder that remembers the logs' heads, to notice a log that goes back. Without it, nothing is remembered. */
  readonly home?: string;
}

/**
 * Someone who may verify datasets, but not read them.
 *
 * @example
 * const auditor = await Auditor.open({ stack, file: auditorFile });
 * console.log((await auditor.verify('weather', { sample: true })).ok);
 */
export class Auditor {
  /** The datasets that the file names. */
  readonly datasets: readonly { readonly name: string; readonly dataset: DatasetId }[];
  readonly #file: AuditorFile;
  readonly #connection: Connection;
  readonly #home: string | null;

  private constructor(file: AuditorFile, connection: Connection, home: string | null) {
    this.datasets = file.datasets.map(({ name, dataset }) => ({ name, dataset }));
    this.#file = file;
    this.#connection = connection;
    this.#home = home;
  }

  /**
   * Reads the auditor's file, and checks that it is for the same chain and contract as the connection.
   * @throws ArgumentError when it is not; FileError when a file is missing, malformed or readable by others
   *
   * @example
   * const auditor = await Auditor.open({ stack, file: auditorFile });
   * console.log(auditor.datasets.map(({ name }) => name));
   */
  static async open(options: AuditorOptions): Promise<Auditor> {
    const file = await readAuditorFile(resolve(options.file));
    const connection = await openConnection(options);
    requireSameChain(options.file, file, connection);
    return new Auditor(file, connection, options.home === undefined ? null : resolve(options.home));
  }

  /**
   * Protocol II from the bucket: hashes every byte, decrypts none.
   * @throws ArgumentError for a dataset that the file does not have; FileError when the connection names no bucket;
   * LedgerUnavailableError when the chain cannot be read
   *
   * @example
   * const auditor = await Auditor.open({ stack, file: auditorFile });
   * const report = await auditor.verify('weather', { sample: 2 });
   * console.log(`${report.counts.intact} of ${report.checked} are intact`);
   */
  verify(
    nameOrId: string,
    { signal, ...options }: AuditOptions & { readonly signal?: AbortSignal } = {},
  ): Verification {
    return new Verification(async (onVerdicts) => {
      const audited = auditedDataset(this.#file, nameOrId);
      return auditBucket(this.#connection, this.#home, audited, options, onVerdicts, signal);
    });
  }

  /**
   * Evidence of blocks, a file or a period, from the bucket, for someone without keys. It opens no content.
   * @throws ArgumentError for a dataset that the file does not have, for no such blocks or too many, or unless exactly one of
   * blocks, file and times is given; FileError when the connection names no bucket; KeyError for a device that came after the
   * file; StateError for what the storage cannot show; NotRecordedError before the blocks are recorded
   *
   * @example
   * const auditor = await Auditor.open({ stack, file: auditorFile });
   * const { file, report } = await auditor.prove('weather', { blocks: { from: 2, to: 3 } });
   * await writeFile(out, file);
   * console.log(report.strength);
   */
  async prove(nameOrId: string, options: ProveOptions): Promise<Proven> {
    const prover = auditorAsProver(auditedDataset(this.#file, nameOrId));
    return proveFor({ home: this.#home, connection: this.#connection, via: 's3' }, prover, options);
  }
}
