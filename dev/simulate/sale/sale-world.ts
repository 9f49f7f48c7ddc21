import { createKeySigner } from '../../../adapters/ethereum/account-signer.ts';
import type { JsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import { createOcascLedger } from '../../../adapters/ethereum/ocasc-ledger.ts';
import { createOcascParty } from '../../../adapters/ethereum/ocasc-party.ts';
import type { SaleService } from '../../../client/sale/sale-parts.ts';
import type { DatasetName } from '../../../core/charter/dataset-name.ts';
import type { DatasetKind } from '../../../core/charter/kind.ts';
import {
  type Address,
  type AgreementId,
  address,
  type DatasetId,
  type DatasetKey,
  type PrivateKey,
} from '../../../core/ids.ts';
import type { AgreementMarket, AgreementParty } from '../../../core/ports/agreements.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import type { Runtime } from '../../../core/ports/runtime.ts';
import type { HeldUp, SentTransactions } from '../../../core/ports/sent-transactions.ts';
import type { Transfer } from '../../../core/ports/transfer.ts';
import type { ModelChain } from '../chain/model-chain.ts';
import { createModelRpc } from '../chain/model-rpc.ts';
import type { OcascSettings } from '../chain/ocasc-model.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import type { Life } from './process-lives.ts';

/** What everybody who sells and buys in one seed is made of. */
export interface SaleWorld {
  readonly time: VirtualTime;
  readonly startMs: number;
  readonly faults: FaultWatch;
  readonly random: SeededRandom;
  readonly chain: ModelChain;
  readonly settings: OcascSettings;
  readonly folder: string;
  readonly dataset: DatasetId;
  readonly name: DatasetName;
  readonly kind: DatasetKind;
  readonly serial: number;
  readonly datasetKey: DatasetKey;
  readonly ownerKey: PrivateKey;
  readonly transfer: Transfer;
  /** DISSC as a party's own node has it. */
  readonly ledgerOf: (of: string) => Ledger;
  /** The service, asked by an account under an agreement. */
  readonly serviceFor: (key: PrivateKey, runtime: Runtime, agreement: AgreementId) => SaleService;
  readonly note: (who: string, what: object) => void;
  /** What must never be. */
  readonly fail: (what: string) => void;
}

const CHAIN_ID = 31_337;

/** OCASC is here on the modelled chain. */
export const SALE_SETTINGS: OcascSettings = {
  domain: { chainId: CHAIN_ID, ocasc: address(`0x${'0c'.repeat(20)}`) },
  ...{ minWindowSeconds: 60, answerGas: 120_000n, demandGas: 75_000n },
};

/** What everybody has to begin with. */
export const PURSE_WEI = 10n ** 21n;

/** The service's and the owner's, the agent's or the consumer's way to OCASC, on the adapters that do it on any chain. */
export function openOcasc(
  world: Pick<SaleWorld, 'time' | 'chain' | 'settings' | 'faults' | 'random'>,
  of: string,
): { readonly rpc: JsonRpc; readonly options: OcascOptions; readonly market: AgreementMarket } {
  const rpc = createModelRpc({ ...world, random: world.random.fork(`node of the ${of}`), of });
  return openOn(rpc, world.settings);
}

interface OcascOptions {
  readonly rpc: JsonRpc;
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly ocasc: Address;
}

function openOn(rpc: JsonRpc, { domain }: OcascSettings) {
  const options = { rpc, rpcUrl: 'http://node.simulated', ...domain };
  return { rpc, options, market: createOcascLedger(options) };
}

/** The same within one life of a process; what it has sent stays on its disk. */
export function openOcascInLife(
  { settings }: Pick<SaleWorld, 'settings'>,
  life: Life,
  { rpc, key, sent }: { readonly rpc: JsonRpc; readonly key: PrivateKey; readonly sent: SentTransactions },
  onHeldUp: (heldUp: HeldUp) => void = () => {},
): { readonly options: OcascOptions; readonly market: AgreementMarket; readonly party: AgreementParty } {
  const { options, market } = openOn(life.guard(rpc), settings);
  const signer = createKeySigner(key);
  const party = createOcascParty({ ...options, signer, sent: life.guard(sent), onHeldUp, runtime: life.runtime });
  return { options, market, party };
}
