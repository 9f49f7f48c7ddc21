import { join } from 'node:path';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createMemorySentTransactions } from '../../../adapters/ethereum/memory-sent-transactions.ts';
import { readChainPoint } from '../../../adapters/ethereum/read-chain-point.ts';
import { ClaimPace } from '../../../client/sale/claim-pace.ts';
import { PreparedAnswers } from '../../../client/sale/prepared-answers.ts';
import type { SaleEvent } from '../../../client/sale/sale-event.ts';
import type { SaleService } from '../../../client/sale/sale-parts.ts';
import { openSaleState, type SaleState } from '../../../client/sale/sale-state.ts';
import { serveSales } from '../../../client/sale/serve-sales.ts';
import type { AgreementId, PrivateKey } from '../../../core/ids.ts';
import { accountOfKey } from '../../../core/typed-data.ts';
import { fetchFront } from '../../../device/log/fetch-front.ts';
import { type Life, runProcess, type SimulatedProcess } from './process-lives.ts';
import { openOcasc, openOcascInLife, type SaleWorld } from './sale-world.ts';

export interface SimulatedAgent extends SimulatedProcess {
  /** What it keeps of an agreement; null while it is off, or knows nothing of it. */
  progressOf(id: AgreementId): { readonly voucherDue: bigint | null; readonly released: number } | null;
  /** When it has last said something of an agreement, or of all. */
  lastSaidMs(id: AgreementId): number;
}

const POLL_MS = 120_000;

/** `plumb owner serve` through all its lives: the real one, on a real folder. */
export function runAgent(
  world: SaleWorld,
  { agentKey, offersSecret }: { readonly agentKey: PrivateKey; readonly offersSecret: Uint8Array },
): SimulatedAgent {
  const { time, settings, dataset, datasetKey, serial } = world;
  const identity = { ...settings.domain, owner: accountOfKey(world.ownerKey), agent: accountOfKey(agentKey) };
  const { rpc } = openOcasc(world, 'agent');
  const sent = createMemorySentTransactions();
  const said = new Map<AgreementId | null, number>();
  let state: SaleState | null = null;

  const live = async (life: Life): Promise<void> => {
    const opened = openSaleState(join(world.folder, 'sales'), identity);
    state = opened;
    life.onEnd(() => {
      state = null;
      opened.close();
    });
    const onEvent = (event: SaleEvent): void => {
      if (!life.isAlive()) return;
      said.set(event.agreement, time.nowMs());
      world.note('agent', event);
    };
    const bytes = life.random.fork('bytes');
    const primitives = { ...nodePrimitives, randomBytes: (size: number) => bytes.bytes(size) };
    const { options, market, party } = openOcascInLife(world, life, { rpc, key: agentKey, sent }, (heldUp) =>
      onEvent({ event: 'held-up', agreement: null, heldUp }),
    );
    const transfer = life.guard(world.transfer);
    const services = new Map<AgreementId, SaleService>();
    const serviceFor = (id: AgreementId): SaleService => {
      const service = services.get(id) ?? life.guard(world.serviceFor(agentKey, life.runtime, id));
      services.set(id, service);
      return service;
    };
    const parts = {
      ...{ primitives, owner: identity.owner, agentKey, offersSecret, state: life.guardState(opened), fromBlock: 0 },
      ...{ market, party, runtime: life.runtime, claimPace: new ClaimPace(), prepared: new PreparedAnswers(), onEvent },
      datasetKeys: new Map([[dataset, new Map([[serial, datasetKey]])]]),
      readPoint: (...given: readonly ['latest' | 'final', AbortSignal?]) => readChainPoint(options.rpc, ...given),
      serviceFor,
      async fetchManifest(...[service, of, first, signal]: Parameters<FetchManifest>) {
        const fetched = await fetchFront({ primitives, runtime: life.runtime, transfer, service }, of, first, signal);
        return fetched?.front.manifest ?? null;
      },
    };
    await serveSales(parts, { pollMs: POLL_MS }, new AbortController().signal);
  };
  const process = runProcess({ ...world, random: world.random.fork('agent'), killedBy: 'agent-killed', live });
  return {
    ...process,
    lastSaidMs: (id) => Math.max(said.get(id) ?? 0, said.get(null) ?? 0),
    progressOf(id) {
      const row = state?.sql('SELECT due, released FROM agreements WHERE id = ?').get(id);
      if (row === undefined) return null;
      return { voucherDue: row.due === null ? null : BigInt(row.due as string), released: Number(row.released) };
    },
  };
}

type FetchManifest = Parameters<typeof serveSales>[0]['fetchManifest'];
