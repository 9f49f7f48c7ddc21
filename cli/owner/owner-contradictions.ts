import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createSecretFile } from '../../adapters/keys/secret-file.ts';
import { printable } from '../../client/printable.ts';
import { datasetOfCharter, requireCharterSignature } from '../../core/charter/charter.ts';
import { decodeDatasetName } from '../../core/charter/dataset-name.ts';
import { counted } from '../../core/counted.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { ArgumentError, FileError, PlumblineError } from '../../core/errors.ts';
import { type ProvenContradiction, requireContradiction } from '../../core/evidence/contradiction.ts';
import {
  type ContradictionFile,
  decodeContradiction,
  encodeContradiction,
  MAX_CONTRADICTION_BYTES,
} from '../../core/evidence/contradiction-file.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { inFile } from '../../core/parse-outside.ts';
import { readConnection } from '../../library/connection.ts';
import { findDataset } from '../../library/dataset-list.ts';
import { openMemory } from '../../library/open-rounds.ts';
import { withHomeOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { contradictionsFolder } from '../growth-text.ts';
import { parseAddress } from '../parse-arguments.ts';
import { readBoundedText } from '../read-bounded-file.ts';
import { type CommandContext, runCommand } from '../run-command.ts';

interface ContradictionsOptions {
  readonly check?: string;
  readonly out?: string;
  readonly forget?: boolean;
  readonly dissc?: Address;
  readonly json?: boolean;
}

/** Adds `plumb owner contradictions`: evidence against whoever has signed two histories. */
export function addOwnerContradictions(owner: Command): void {
  const command = owner
    .command('contradictions')
    .description(
      'List signed heads of a dataset that contradict each other, write them to a file, or check such a file.',
    )
    .argument('[dataset]', 'name or id of a dataset (default: all)')
    .option('--check <file>', 'check a file by its own bytes: needs no keystore, chain or service')
    .option('--out <file>', "write the dataset's newest contradiction to this file, for others to check")
    .option(
      '--dissc <address>',
      'trust this contract in place of DISSC or of the one that this home is connected to',
      parseAddress,
    )
    .option('--forget', 'forget which heads of the dataset this home has seen, and start again from the current ones')
    .addHelpText('after', EXAMPLES);
  withHomeOptions(command).action((name: string | undefined, options: ContradictionsOptions) =>
    runCommand(options, async (context) => {
      if (options.check !== undefined) {
        return check(context, resolve(options.check), name, options.dissc ?? DISSC_ADDRESS);
      }
      const dataset = name === undefined ? null : await findDataset(context.home, name);
      if (options.forget === true) return forget(context, dataset);
      const found = (await readFound(context)).filter(
        ({ file }) => dataset === null || file.contradiction.shorter.dataset === dataset,
      );
      if (options.out !== undefined) return write(context, found, dataset, resolve(options.out));
      const used = await contractInUse(context, options.dissc);
      for (const one of found) context.output.result(answerOf(one, used), foundText(one, used));
      if (found.length === 0 && !context.output.json) {
        context.output.result([], `${context.home} holds no contradicting heads.`);
      }
      return found.length === 0 ? EXIT.ok : EXIT.notIntact;
    }),
  );
}

/** Anybody's file may be checked: it need not be private, only small. */
const BOUND = { maxBytes: MAX_CONTRADICTION_BYTES, ifLarger: 'It is not a contradictions file.' };

/** A file with what it proves. */
interface Checked {
  readonly path: string;
  readonly file: ContradictionFile;
  readonly proven: ProvenContradiction;
  /** By a charter in the file under its owner's signature: whose dataset it is, and that the account is its device. */
  readonly whose: { readonly owner: Address; readonly name: string; readonly serial: number } | null;
}

async function check(
  { output }: CommandContext,
  path: string,
  name: string | undefined,
  dissc: Address,
): Promise<number> {
  if (name !== undefined) throw new ArgumentError('The file names its dataset. Leave out the name.');
  let checked: Checked;
  try {
    checked = await readChecked(path);
  } catch (error) {
    if (!(error instanceof PlumblineError) || error.kind !== 'answer') throw error;
    const reason = error.shortMessage;
    output.result({ path, proven: false, reason }, output.style('red', `${path} proves nothing: ${printable(reason)}`));
    return EXIT.notIntact;
  }
  const used = { dissc, chainId: null };
  const other = otherContract(checked.file, used);
  // Whoever deployed the other contract can have had any heads signed for it.
  const text =
    other === null ? 'This proves it to anybody.' : output.style('red', 'It proves nothing about the contract in use.');
  output.result({ ...answerOf(checked, used), proven: other === null }, `${foundText(checked, used)}\n${text}`);
  return other === null ? EXIT.ok : EXIT.notIntact;
}

async function write(
  context: CommandContext,
  found: readonly Checked[],
  dataset: DatasetId | null,
  path: string,
): Promise<number> {
  const { output } = context;
  if (dataset === null) throw new ArgumentError('Name the dataset: plumb owner contradictions NAME --out FILE');
  const newest = found.at(-1);
  if (newest === undefined)
    throw new ArgumentError(
      'No contradiction in this dataset was found so far. To look for one: plumb owner verify NAME',
    );
  await createSecretFile(path, encodeContradiction(newest.file));
  const used = await contractInUse(context, undefined);
  output.result(
    { ...answerOf(newest, used), path },
    `${foundText(newest, used)}\nWrote ${path}. It contains no secret.`,
  );
  return EXIT.ok;
}

async function forget(context: CommandContext, dataset: DatasetId | null): Promise<number> {
  if (dataset === null) throw new ArgumentError('Name the dataset: plumb owner contradictions NAME --forget');
  const memory = openMemory(context.home, await readConnection(context));
  memory.forget(dataset);
  for (const problem of memory.problems) context.output.notice(problem);
  context.output.result(
    { dataset, forgotten: true },
    `Forgot the seen heads of ${dataset}. The next verification starts without them; the contradictions found stay in ${contradictionsFolder(context.home)}.`,
  );
  return EXIT.ok;
}

/** Oldest first; a file that was damaged since is said. */
async function readFound({ home, output }: CommandContext): Promise<Checked[]> {
  const folder = contradictionsFolder(home);
  let names: string[];
  try {
    names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new FileError(`${folder} cannot be read.`, { cause: error });
  }
  const dated = await Promise.all(
    names.map(async (name) => ({ path: join(folder, name), atMs: (await stat(join(folder, name))).mtimeMs })),
  );
  const found: Checked[] = [];
  for (const { path } of dated.toSorted((a, b) => a.atMs - b.atMs)) {
    try {
      found.push(await readChecked(path));
    } catch (error) {
      if (!(error instanceof PlumblineError)) throw error;
      output.notice(`${path} proves nothing: ${printable(error.shortMessage)}`);
    }
  }
  return found;
}

/** @throws FileError when it is no such file; ProofError when it proves nothing */
async function readChecked(path: string): Promise<Checked> {
  const text = await readBoundedText(path, BOUND);
  return checkedOf(
    path,
    inFile(path, () => decodeContradiction(text)),
  );
}

function checkedOf(path: string, file: ContradictionFile): Checked {
  const { domain, contradiction, charters } = file;
  const proven = requireContradiction(nodePrimitives, domain, contradiction);
  const signers = [proven.shorterSigner, proven.longerSigner];
  for (const charter of charters) {
    if (datasetOfCharter(domain, charter) !== contradiction.shorter.dataset || !signers.includes(charter.device))
      continue;
    requireCharterSignature(domain, charter);
    const { owner, serial } = charter;
    return { path, file, proven, whose: { owner, name: decodeDatasetName(charter.name), serial } };
  }
  return { path, file, proven, whose: null };
}

/** The contract by which this home goes. */
interface UsedContract {
  readonly dissc: Address;
  /** Null where none is named. */
  readonly chainId: number | null;
}

/** A home without a connection goes by DISSC, which has one address everywhere. */
async function contractInUse(context: CommandContext, named: Address | undefined): Promise<UsedContract> {
  if (named !== undefined) return { dissc: named, chainId: null };
  try {
    const { dissc, chainId } = await readConnection(context);
    return { dissc, chainId };
  } catch (error) {
    if (!(error instanceof PlumblineError)) throw error;
    return { dissc: DISSC_ADDRESS, chainId: null };
  }
}

/** What is to be said where the heads are signed for another contract or chain; null where they are not. */
function otherContract({ domain }: ContradictionFile, { dissc, chainId }: UsedContract): string | null {
  if (domain.dissc !== dissc) {
    return `These heads are signed for the contract ${domain.dissc}, not for ${dissc}, so they prove nothing about ${dissc}. If you trust the other contract, name it: --dissc ${domain.dissc}`;
  }
  if (chainId === null || domain.chainId === chainId) return null;
  return `These heads are signed for chain ${domain.chainId}; this home is connected to chain ${chainId}.`;
}

function answerOf({ path, file, proven, whose }: Checked, used: UsedContract): object {
  const { contradiction, domain, seen } = file;
  const { shorter, longer } = contradiction;
  return {
    ...{ path, ...domain, dataset: shorter.dataset, ...proven, whose, seen, otherContract: otherContract(file, used) },
    shorter: { size: shorter.size, root: shorter.root, serial: shorter.serial },
    longer: { size: longer.size, root: longer.root, serial: longer.serial },
  };
}

function foundText({ path, file, proven, whose }: Checked, used: UsedContract): string {
  const { shorter, longer } = file.contradiction;
  const { fault, shorterSigner, longerSigner } = proven;
  const whom =
    fault === null
      ? `Two devices signed them, ${shorterSigner} and ${longerSigner}, so nobody's fault is proven.`
      : `One account, ${fault}, signed both. It is at fault.`;
  const other = otherContract(file, used);
  const device =
    whose === null
      ? 'The file has no charter signed by the owner, so it does not prove whose device that is.'
      : `Charter ${whose.serial} of owner ${whose.owner} makes it a device of dataset ${printable(whose.name)}.`;
  return [
    `Dataset ${shorter.dataset}, chain ${file.domain.chainId}, DISSC ${file.domain.dissc}`,
    `  heads         ${counted(shorter.size, 'block')} and ${counted(longer.size, 'block')}; the longer log does not start with the shorter one`,
    `  seen          ${printable(file.seen.shorter)}`,
    `                ${printable(file.seen.longer)}`,
    `  fault         ${whom}`,
    `  device        ${device}`,
    `  file          ${path}`,
    ...(other === null ? [] : [`  OTHER         ${other}`]),
  ].join('\n');
}

const EXAMPLES = `
plumb owner verify, owner get and consumer audit compare each head with the last one seen from this home, and write
contradictions into its folder contradictions. If one account signed both heads, that account is at fault.

Examples:
  plumb owner contradictions
  plumb owner contradictions weather --out evidence.json
  plumb owner contradictions --check evidence.json
  plumb owner contradictions --check evidence.json --dissc 0x52908400098527886e0f7030069857d2e4169ee7
                                                    heads that were signed for another contract than DISSC
  plumb owner contradictions weather --forget       for example after you started a local stack from scratch
Exit codes: 0 no contradiction, or the file proves one; 1 a contradiction was found, or the file proves nothing.`;
