import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { SCRYPT_N_RANDOM_PASSWORD } from '../../adapters/keys/keystore.ts';
import { createMnemonic } from '../../adapters/keys/mnemonic.ts';
import { createSecretFile, replaceSecretFile } from '../../adapters/keys/secret-file.ts';
import type { StackFile } from '../../core/wire/stack-file.ts';
import type { Connection } from '../../library/connection.ts';
import type { DatasetEntry } from '../../library/dataset-list.ts';
import type { OpenedOwner } from '../../library/opened-owner.ts';
import { admitToStack, DEFAULT_QUOTA_BYTES } from '../../local/admit-to-stack.ts';
import { fund, keeperOf } from '../../local/stack/fund.ts';
import { KINDS } from '../dataset/kind-name.ts';
import { type OpenedEntry, openAndEnter } from '../dataset/open-and-enter.ts';
import { provisionText } from '../device/provision-text.ts';
import { createOwnerHome, openOwner } from '../owner/owner-home.ts';
import type { CommandContext } from '../run-command.ts';
import { quoted } from './shell-words.ts';
import { deviceFiles, type TryFolder, type TrySource } from './try-folder.ts';

const FUND_WEI = 100n * 10n ** 18n;

/** The owner whose keys lie in the folder, made when they are not there yet. */
export async function openTryOwner(folder: TryFolder, context: CommandContext): Promise<OpenedOwner> {
  if (!existsSync(join(folder.home, 'keystore.json'))) {
    const password = randomBytes(32).toString('hex');
    await replaceSecretFile(folder.passwordFile, `${password}\n`);
    await createOwnerHome({ home: folder.home }, createMnemonic(), password, SCRYPT_N_RANDOM_PASSWORD);
  }
  await replaceSecretFile(folder.environmentFile, environmentText(folder));
  return openOwner(context);
}

/** Lets the stack serve the owner, and gives its account test ether for what costs gas. */
export async function admitTryOwner(stack: StackFile, owner: OpenedOwner, bytes: number): Promise<void> {
  await fund(createJsonRpc(keeperOf(stack)), owner.address, FUND_WEI);
  await admitToStack(stack, owner.address, Math.max(DEFAULT_QUOTA_BYTES, 4 * bytes));
}

/** The source's dataset and its device's file, made when they are not there yet. */
export async function openTryDataset(
  folder: TryFolder,
  context: CommandContext,
  owner: OpenedOwner,
  connection: Connection,
  { name }: TrySource,
): Promise<DatasetEntry> {
  const wanted = { name, kind: KINDS.encrypted, published: false, anchor: 'record' as const };
  const [entry] = (await openAndEnter(context, owner, connection, [wanted])) as readonly OpenedEntry[] as [OpenedEntry];
  const { provision } = deviceFiles(folder, name);
  if (!existsSync(provision)) await createSecretFile(provision, provisionText(owner, connection, entry));
  return entry;
}

function environmentText({ home, stackFile, passwordFile, environmentFile }: TryFolder): string {
  return [
    `# For a shell: . ${quoted(environmentFile)}`,
    `export PLUMB_HOME=${quoted(home)}`,
    `export PLUMB_STACK=${quoted(stackFile)}`,
    `export PLUMB_PASSWORD_FILE=${quoted(passwordFile)}`,
    '',
  ].join('\n');
}
