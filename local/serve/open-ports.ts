import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createTable, hasTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { expiringItems, forgetsByItself } from '../../adapters/dynamodb/expiring-items.ts';
import { type AccountSigner, createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createAscRecorder } from '../../adapters/ethereum/asc-recorder.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createDisscRoundRecorder, createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { createJsonRpc, type JsonRpc, type OtherNode } from '../../adapters/ethereum/json-rpc.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { createKuboP2pfs } from '../../adapters/ipfs/kubo-p2pfs.ts';
import { readKeystore } from '../../adapters/keys/keystore.ts';
import { readSecretFile } from '../../adapters/keys/secret-file.ts';
import { createKmsSigner } from '../../adapters/kms/kms-signer.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import type { Observer } from '../../functions/observe/observer.ts';
import { createTableOwners } from '../../functions/state/table-owners.ts';
import { forgetExpired } from '../host/forget-expired.ts';
import type { HostOptions } from '../host/start-host.ts';
import type { RelayerKey, ServeSettings } from './serve-settings.ts';

/** What a served service runs on: nothing has been asked yet but the key's account and whether the table is there. */
export interface ServePorts {
  readonly ports: HostOptions['ports'];
  readonly rpc: JsonRpc;
  readonly signer: AccountSigner;
  /** Whether the table was made now: what was in it before, if it ever was, is lost. */
  readonly tableIsNew: boolean;
  /** Items that are deleted here when their time is over; null where the table forgets them itself. */
  readonly toForget: (() => number) | null;
  close(): Promise<void>;
}

/** A function's own time is short: a node that has had too many requests is not waited for longer. */
const PATIENCE_MS = 5_000;

/**
 * Opens chain, bucket, table and key by the settings; a table that is not there is made.
 * @throws StoreUnavailableError when the table does not answer; KeyError or FileError about the key
 */
export async function openPorts(
  settings: ServeSettings,
  observer: Observer,
  signal?: AbortSignal,
): Promise<ServePorts> {
  const { contracts, region } = settings;
  const { dissc, ocasc, asc } = contracts;
  const chain = {
    ...settings.chain,
    patienceMs: PATIENCE_MS,
    onOtherNode: (other: OtherNode) => observer.warn('another node of the chain was asked', { ...other }),
  };
  const opened: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (let end = opened.pop(); end !== undefined; end = opened.pop()) await end();
  };
  try {
    const signer = await openRelayer(settings.relayer, signal);
    opened.push(() => signer.close());
    const client = createDynamoClient({ region, endpoint: settings.table.endpoint, credentials: null });
    opened.push(() => client.destroy());
    const tableName = settings.table.name;
    const tableIsNew = !(await hasTable(client, tableName));
    if (tableIsNew) await createTable(client, tableName);
    const plain = createDynamoTable({ client, tableName });
    const swept = (await forgetsByItself(client, tableName))
      ? null
      : forgetExpired({
          ...{ table: plain, nowMs: Date.now },
          left: (stopped) => expiringItems(client, tableName, stopped),
          onFailure: (error) => observer.warn('expired items not deleted', { error }),
        });
    if (swept !== null) opened.push(() => swept.close());
    const table = swept?.table ?? plain;
    const objects = openObjects(settings);
    opened.push(() => objects.close());
    const p2pfs = settings.ipfsApi === null ? null : createKuboP2pfs({ apiUrl: settings.ipfsApi });
    if (p2pfs !== null) opened.push(() => p2pfs.close());
    return {
      rpc: createJsonRpc(chain),
      signer,
      tableIsNew,
      toForget: swept?.waiting ?? null,
      ports: {
        primitives: nodePrimitives,
        objects,
        table,
        owners: createTableOwners({ table, runtime: nodeRuntime }),
        ledger: createDisscLedger({ ...chain, dissc }),
        recorder: createDisscRecorder({ ...chain, dissc, signer }),
        rounds: createDisscRounds({ ...chain, dissc }),
        roundRecorder: createDisscRoundRecorder({ ...chain, dissc, signer }),
        grantRecorder: asc === null ? null : createAscRecorder({ ...chain, asc, signer }),
        agreements: ocasc === null ? null : createOcascLedger({ ...chain, ocasc }),
        grants: asc === null ? null : createAscLedger({ ...chain, asc }),
        p2pfs,
        runtime: nodeRuntime,
        observer,
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Bytes go to the store as this machine reaches it; devices and owners are given the address at which they do. */
function openObjects({ region, objects: { bucket, endpoint, publicEndpoint } }: ServeSettings) {
  const own = createS3ObjectStore({ region, bucket, endpoint, credentials: null });
  if (publicEndpoint === null) return own;
  const others = createS3ObjectStore({ region, bucket, endpoint: publicEndpoint, credentials: null });
  return {
    ...own,
    presignPut: others.presignPut,
    presignGet: others.presignGet,
    close() {
      own.close();
      others.close();
    },
  };
}

/** The account that records. @throws KeyError, FileError, StoreUnavailableError, ArgumentError about the key */
export async function openRelayer(
  relayer: RelayerKey,
  signal?: AbortSignal,
): Promise<AccountSigner & { close(): void }> {
  if ('keyId' in relayer) return createKmsSigner({ ...relayer, credentials: null }, signal);
  const password = (await readSecretFile(relayer.passwordFile)).replace(/\r?\n$/, '');
  const { privateKey } = await readKeystore(relayer.keystore, password);
  return { ...createKeySigner(privateKey), close: () => undefined };
}
