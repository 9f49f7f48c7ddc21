import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { requirePrivate } from '../../adapters/keys/require-private.ts';
import { readSecretFile } from '../../adapters/keys/secret-file.ts';
import { anchorerOf } from '../../core/charter/charter.ts';
import { counted } from '../../core/counted.ts';
import { FileError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { readDatasets } from '../../library/dataset-list.ts';
import { keystorePath } from '../../library/opened-owner.ts';
import { isElsewhere } from '../dataset/standing-note.ts';
import { findHolder } from '../keys/find-holder.ts';
import { heldText } from '../keys/held-text.ts';
import { bad, type Finding, ok, warn } from './finding.ts';

const LEAST_NODE = 24;
/** A home has some ten files; of more, the first are looked at. */
const MOST_FILES = 1_000;

export function lookAtNode(version: string): Finding {
  const major = Number(version.split('.')[0]);
  return major >= LEAST_NODE
    ? ok('node', `Node ${version}.`)
    : bad(
        'node',
        `Node ${version} is too old.`,
        `Install Node ${LEAST_NODE} or newer, or call bin/plumb, which comes with its own.`,
      );
}

/** Whether there is a home at all; null where there is. */
export async function lookForHome(home: string): Promise<Finding | null> {
  if ((await stateOf(home)) !== null) return null;
  const remedy = 'Make an owner: plumb owner init. Or give another home: --home FOLDER';
  return warn('home', `${home} does not exist, so there are no keys.`, remedy);
}

export async function lookAtKeystore(home: string): Promise<readonly Finding[]> {
  const path = keystorePath(home);
  if ((await stateOf(path)) === null) {
    const remedy = 'Make an owner: plumb owner init. Or restore one: plumb owner restore';
    return [warn('keys', `There is no ${path}.`, remedy)];
  }
  const mode = await lookAtMode(path);
  if (mode !== null) return [bad('keys', `It was not read. ${mode}`, 'Correct its mode first.')];
  const account = await keystoreAccount(home);
  return account === null
    ? [bad('keys', `${path} is not a keystore.`, 'Move it away and restore the owner: plumb owner restore')]
    : [ok('keys', `Account ${account}, in ${path}; doctor did not ask for its password.`)];
}

/** Whether somebody need not know the password now; nothing where that is nobody. */
export async function lookForHolder(home: string): Promise<readonly Finding[]> {
  const held = await findHolder(home);
  return held === null ? [] : [ok('unlocked', `${heldText(held)} To lock them: plumb keys lock`)];
}

/** @param anchorer the account in whose rounds the service anchors, where that is known */
export async function lookAtDatasets(home: string, anchorer: Address | null): Promise<readonly Finding[]> {
  const datasets = await readDatasets(home);
  if (datasets.length === 0) {
    const remedy = 'Create one: plumb dataset create NAME. Or find yours on the chain: plumb owner restore';
    return [warn('datasets', 'This home lists none.', remedy)];
  }
  const known = ok('datasets', `This home lists ${datasets.length}.`);
  const elsewhere = datasets.filter(({ charters }) => {
    const newest = charters.at(-1);
    return newest !== undefined && isElsewhere(anchorerOf(newest), anchorer);
  });
  const [first] = elsewhere;
  if (first === undefined) return [known];
  const says = `The charters of ${elsewhere.length} of these ${counted(datasets.length, 'dataset')} name another anchorer than this service's account ${anchorer}. Nobody anchors them here, and their devices wait. One is ${first.name}.`;
  return [known, warn('datasets', says, 'Charter them to this service: plumb dataset anchor --elsewhere')];
}

/** The account of a home's keystore, which stands there in clear; null where none is readable. */
export async function keystoreAccount(home: string): Promise<string | null> {
  try {
    const { address } = JSON.parse(await readSecretFile(keystorePath(home))) as { address?: unknown };
    return typeof address === 'string' && /^(0x)?[0-9a-fA-F]{40}$/.test(address)
      ? `0x${address.replace(/^0x/, '').toLowerCase()}`
      : null;
  } catch {
    return null;
  }
}

/** Modes and owners of a folder with secrets, and of all files in it. */
export async function lookAtModes(about: string, folder: string): Promise<readonly Finding[]> {
  const names = (await readdir(folder)).slice(0, MOST_FILES);
  // Evidence is made to be given away.
  const secret = names.filter((name) => !name.endsWith('.evidence.json'));
  const findings = await Promise.all([folder, ...secret.map((name) => join(folder, name))].map(lookAtMode));
  const wrong = findings.filter((finding) => finding !== null);
  return wrong.length > 0
    ? wrong.map((says) =>
        bad(`${about} modes`, says, 'Let nobody but you read or write it. If others could, make new keys.'),
      )
    : [ok(`${about} modes`, `Nobody else can read ${folder}.`)];
}

/** Why others could use it; null where they cannot. */
export async function lookAtMode(path: string): Promise<string | null> {
  const found = await stateOf(path);
  if (found === null || !(found.isFile() || found.isDirectory())) return null;
  try {
    requirePrivate(path, found);
    return null;
  } catch (error) {
    if (error instanceof FileError) return error.shortMessage;
    throw error;
  }
}

async function stateOf(path: string) {
  return lstat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return null;
    throw new FileError(`${path} cannot be inspected (${cause.code ?? 'unknown error'}).`, { cause });
  });
}
