import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Wallet } from 'ethers';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { gatewayEventFromRequest } from '../../adapters/http-signature/gateway-event.ts';
import type { Transport } from '../../adapters/service/transport.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { MAX_MESSAGES, MAX_PAYLOAD_BYTES, type SealedMessage, signMessage } from '../../core/agreement/message.ts';
import {
  deriveEncryptionKeys,
  type EncryptionPublicKey,
  openMessage,
  sealMessage,
} from '../../core/agreement/seal-message.ts';
import { SequenceGuard } from '../../core/agreement/sequence-guard.ts';
import { signVoucher } from '../../core/agreement/voucher.ts';
import { to0x, utf8 } from '../../core/bytes.ts';
import { PLAIN } from '../../core/charter/kind.ts';
import { LedgerUnavailableError, ProofError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { Address, AgreementId, DatasetId, LogRoot, PrivateKey } from '../../core/ids.ts';
import type { Agreement, Agreements } from '../../core/ports/agreements.ts';
import type { AgreementService } from '../../core/ports/service.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { MAX_MESSAGE_PAGE } from '../../core/wire/messages.ts';
import type { HttpAnswer } from '../../functions/answer/problem.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import { agreementPk } from '../../functions/state/entries.ts';
import type { RouteName } from '../../functions/table.ts';
import { handlerOf } from './handler-of.ts';
import { DOMAIN, dump, key, type Stores, startStores } from './start-service.ts';

const AGREEMENT_DOMAIN = { chainId: DOMAIN.chainId, ocasc: `0x${'0c'.repeat(20)}` as Address };
const NOBODY = `0x${'00'.repeat(20)}` as Address;
const WINDOW_SECONDS = 60;

/** OCASC, of which a test says what is final. */
class StatedAgreements implements Agreements {
  readonly domain = AGREEMENT_DOMAIN;
  readonly final = new Map<AgreementId, Agreement>();
  reads = 0;
  down = false;

  async readAgreement(id: AgreementId, anchor: 'latest' | 'final') {
    this.reads++;
    if (this.down) throw new LedgerUnavailableError('The chain does not answer.');
    assert.equal(anchor, 'final', 'what is not final does not count');
    return { point: { blockNumber: 1, blockHash: '0x', timestampMs: 0 }, agreement: this.final.get(id) ?? null };
  }
}

describe('agreements in the service', () => {
  let stores: Stores;
  let agreements: StatedAgreements;
  let ports: ServicePorts;
  before(async () => {
    stores = await startStores();
  });
  after(() => stores.close());
  beforeEach(() => {
    agreements = new StatedAgreements();
    ports = { ...stores.ports, agreements };
    stores.clock.offsetMs = 0;
  });

  /** An accepted agreement with keys of all its parties. */
  function agree(change: Partial<Agreement> = {}) {
    const [agentKey, signerKey] = [key(), key()];
    const owner = accountOfKey(key());
    stores.owners.set(owner, 2 ** 30);
    const agreement: Agreement = {
      id: to0x(nodePrimitives.randomBytes(32)) as AgreementId,
      terms: {
        ...{ dataset: `0x${'d5'.repeat(32)}` as DatasetId, first: 0, count: 10, token: NOBODY, consumer: NOBODY },
        ...{ price: 2n ** 100n, fee: 10n, bond: 500n, stakeWei: 3n, maxChallenges: 2, maxDemands: 2, samples: 1 },
        previews: 0,
        ...{ windowSeconds: WINDOW_SECONDS, durationSeconds: 3600, acceptBySeconds: 0n },
      },
      ...{ root: new Uint8Array(32) as LogRoot, size: 10, kind: PLAIN, state: 'active', owner },
      agent: accountOfKey(agentKey),
      ownerEncryptionKey: new Uint8Array(32) as EncryptionPublicKey,
      buyer: {
        ...{ consumer: accountOfKey(key()), signer: accountOfKey(signerKey) },
        ...{ encryptionKey: new Uint8Array(32) as EncryptionPublicKey },
        endSeconds: Math.floor(Date.now() / 1000) + 3600,
      },
      ...{ due: 10n, challenges: 0, demands: 0, question: null, ...change },
    };
    agreements.final.set(agreement.id, agreement);
    const voucher = (due: bigint, by: PrivateKey = signerKey, id = agreement.id) =>
      [{ agreement: id, due }, signVoucher(AGREEMENT_DOMAIN, { agreement: id, due }, by)] as const;
    return { agreement, agentKey, signerKey, voucher, agent: clientOf(agentKey), signer: clientOf(signerKey) };
  }

  /** The service as an account calls it, requests signed, straight into the handlers. */
  function clientOf(accountKey: PrivateKey, on: () => ServicePorts = () => ports): AgreementService {
    const wallet = new Wallet(to0x(accountKey));
    const handlers = new Map<RouteName, Promise<(event: unknown, context: object) => Promise<HttpAnswer>>>();
    const transport: Transport = async (called, request) => {
      const route = called.name as RouteName;
      const handler = handlers.get(route) ?? handlerOf<HttpAnswer>(route, on());
      handlers.set(route, handler);
      const answer = await (await handler)(gatewayEventFromRequest(request), {});
      const body = Buffer.from(answer.body, answer.isBase64Encoded ? 'base64' : 'utf8');
      return { status: answer.statusCode, headers: { ...answer.headers }, body: new Uint8Array(body) };
    };
    return createStorageServiceClient({
      runtime: ports.runtime,
      ...{ apiUrl: 'https://api.plumbline.example', chainId: DOMAIN.chainId, transport },
      account: { address: wallet.address, signMessage: (message) => wallet.signMessage(message) },
    });
  }
  const refusedAs = (type: string) => (error: unknown) => {
    assert.ok(error instanceof RequestRefusedError, String(error));
    assert.equal(error.type, `/problems/${type}`);
    return true;
  };

  describe('vouchers', () => {
    test('the highest is kept, in whatever order they come', async () => {
      const { agreement, signer, voucher } = agree();
      for (const [due, kept] of [
        [100n, 100n],
        [50n, 100n],
        [100n, 100n],
        [2n ** 99n + 1n, 2n ** 99n + 1n],
        [2n ** 99n, 2n ** 99n + 1n],
        [2n ** 100n, 2n ** 100n],
      ] as const) {
        assert.equal(await signer.storeVoucher(...voucher(due)), kept);
      }
      const [item, ...more] = await dump(stores.table, agreementPk(agreement.id));
      assert.deepEqual([item?.due, more], [String(2n ** 100n), []]);
      assert.deepEqual(item?.voucher, voucher(2n ** 100n)[1], 'the signature that OCASC takes for it');
    });

    test('of forty that race, the highest is kept', async () => {
      const { agreement, signer, voucher } = agree();
      const answers = await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          const due = 11n + BigInt((i * 17) % 40);
          return [due, await signer.storeVoucher(...voucher(due))] as const;
        }),
      );
      for (const [due, kept] of answers) assert.ok(kept >= due);
      const [item] = await dump(stores.table, agreementPk(agreement.id));
      assert.equal(item?.due, '50');
    });

    test('that OCASC would refuse are refused', async () => {
      const { agreement, signer, agentKey, signerKey, voucher } = agree();
      const other = agree();
      for (const due of [0n, 10n, 2n ** 100n + 1n]) {
        await assert.rejects(signer.storeVoucher(...voucher(due)), refusedAs('bad-request'), `${due}`);
      }
      const [mine, signature] = voucher(100n);
      const forged: Record<string, Uint8Array> = {
        'of the agent': voucher(100n, agentKey)[1],
        'of another agreement': voucher(100n, undefined, other.agreement.id)[1],
        'of another amount': voucher(101n)[1],
        'of another contract': signVoucher({ ...AGREEMENT_DOMAIN, ocasc: NOBODY }, mine, signerKey),
        'with v 0 or 1': Uint8Array.from([...signature.subarray(0, 64), (signature[64] as number) - 27]),
        zeros: new Uint8Array(65),
      };
      for (const [what, wrong] of Object.entries(forged)) {
        await assert.rejects(signer.storeVoucher(mine, wrong), refusedAs('bad-request'), what);
      }
      await assert.rejects(signer.storeVoucher(mine, signature.subarray(1)), refusedAs('bad-request'));
      assert.deepEqual(await dump(stores.table, agreementPk(agreement.id)), []);
    });

    test('of others, even of the other party, are not taken', async () => {
      const { agent, voucher } = agree();
      for (const stranger of [agent, clientOf(key()), agree().signer]) {
        await assert.rejects(stranger.storeVoucher(...voucher(100n)), refusedAs('forbidden'));
      }
    });

    test('are not taken for agreements that are unknown, offered only, of owners not served, or settled', async () => {
      const { signer, voucher } = agree();
      const unknown = `0x${'77'.repeat(32)}` as AgreementId;
      await assert.rejects(signer.storeVoucher(...voucher(100n, undefined, unknown)), refusedAs('not-found'));
      const offered = agree({ buyer: null, state: 'offered' });
      await assert.rejects(offered.signer.storeVoucher(...offered.voucher(100n)), refusedAs('not-found'));
      const foreign = agree();
      stores.owners.delete(foreign.agreement.owner);
      await assert.rejects(foreign.signer.storeVoucher(...foreign.voucher(100n)), refusedAs('not-served'));
      for (const state of ['closed', 'breached'] as const) {
        const settled = agree({ state });
        await assert.rejects(settled.signer.storeVoucher(...settled.voucher(100n)), refusedAs('ended'), state);
      }
      const withoutOcasc = clientOf(key(), () => stores.ports);
      await assert.rejects(withoutOcasc.storeVoucher(...voucher(100n)), refusedAs('not-found'));
    });

    for (const state of ['challenged', 'lapsed'] as const) {
      test(`are taken until the owner can claim no more, and while the agreement is ${state}`, async () => {
        const { agreement, signer, voucher } = agree({ state });
        const untilMs = 1000 * ((agreement.buyer?.endSeconds ?? 0) + WINDOW_SECONDS);
        stores.clock.offsetMs = untilMs - Date.now() - 10_000;
        assert.equal(await signer.storeVoucher(...voucher(100n)), 100n);
        stores.clock.offsetMs = untilMs - Date.now() + 1_000;
        await assert.rejects(signer.storeVoucher(...voucher(200n)), refusedAs('ended'));
      });
    }

    test('nobody is let in while the chain cannot be read, but for the 15 s that a right is kept', async () => {
      const { signer, voucher } = agree();
      await signer.storeVoucher(...voucher(100n));
      agreements.down = true;
      await signer.storeVoucher(...voucher(101n));
      assert.equal(agreements.reads, 1);
      stores.clock.offsetMs = 15_001;
      await assert.rejects(signer.storeVoucher(...voucher(102n)), StoreUnavailableError);
    });

    test('an agreement that has just become final is known within a second', async () => {
      const { agreement, signer, voucher } = agree();
      agreements.final.delete(agreement.id);
      await assert.rejects(signer.storeVoucher(...voucher(100n)), refusedAs('not-found'));
      agreements.final.set(agreement.id, agreement);
      stores.clock.offsetMs = 1_001;
      assert.equal(await signer.storeVoucher(...voucher(100n)), 100n);
    });
  });

  describe('messages', () => {
    /** Signed bytes that nobody needs to read. */
    function opaque(
      of: ReturnType<typeof agree>,
      sequence: number,
      change: Partial<SealedMessage> = {},
    ): SealedMessage {
      const { agreement, agentKey } = of;
      const message = {
        ...{ agreement: agreement.id, from: agreement.agent, to: agreement.buyer?.signer as Address, sequence },
        ...{ enc: new Uint8Array(32).fill(sequence % 256), ciphertext: new Uint8Array(20).fill(1), ...change },
      };
      return { ...message, signature: signMessage(AGREEMENT_DOMAIN, message, agentKey) };
    }

    test('go both ways, encrypted from end to end', async () => {
      const sale = agree();
      const { agreement, agent, signer, agentKey, signerKey } = sale;
      const consumer = await deriveEncryptionKeys(nodePrimitives.randomBytes(32));
      const owner = await deriveEncryptionKeys(nodePrimitives.randomBytes(32));
      const there = { agreement: agreement.id, from: accountOfKey(agentKey), to: accountOfKey(signerKey), sequence: 0 };
      const back = { ...there, from: there.to, to: there.from };
      const keys = await sealMessage(AGREEMENT_DOMAIN, there, consumer.publicKey, agentKey, utf8('keys'));
      const wish = await sealMessage(AGREEMENT_DOMAIN, back, owner.publicKey, signerKey, utf8('which blocks'));
      await agent.postMessage(keys);
      await signer.postMessage(wish);
      const forSigner = await signer.listMessages(agreement.id, { from: there.from });
      const forAgent = await agent.listMessages(agreement.id, { from: there.to });
      assert.deepEqual(
        [forSigner, forAgent],
        [
          { messages: [keys], next: null },
          { messages: [wish], next: null },
        ],
      );
      const [received] = forSigner.messages as [SealedMessage];
      assert.deepEqual(await openMessage(AGREEMENT_DOMAIN, received, consumer.privateKey), utf8('keys'));
    });

    test('of the most bytes that are allowed are carried, and a byte more is refused', async () => {
      const sale = agree();
      const most = MAX_PAYLOAD_BYTES - 32;
      const large = opaque(sale, 0, { ciphertext: new Uint8Array(nodePrimitives.randomBytes(most)) });
      await sale.agent.postMessage(large);
      const { messages } = await sale.signer.listMessages(sale.agreement.id, { from: large.from });
      assert.deepEqual(messages, [large]);
      const larger = opaque(sale, 1, { ciphertext: new Uint8Array(most + 1) });
      await assert.rejects(sale.agent.postMessage(larger), refusedAs('bad-request'));
      await assert.rejects(
        sale.agent.postMessage(opaque(sale, 1, { ciphertext: new Uint8Array(2 * most) })),
        refusedAs('too-large'),
      );
    });

    test('are paged in the order of their numbers, however they came', async () => {
      const sale = agree();
      const count = 2 * MAX_MESSAGE_PAGE + 3;
      const sent = Array.from({ length: count }, (_, i) => opaque(sale, i));
      for (const message of [...sent].reverse()) await sale.agent.postMessage(message);
      const guard = new SequenceGuard();
      const read: SealedMessage[] = [];
      for (let sequence: number | null = 0; sequence !== null; ) {
        const page = await sale.signer.listMessages(sale.agreement.id, { from: sale.agreement.agent, sequence });
        assert.ok(page.messages.length <= MAX_MESSAGE_PAGE);
        for (const message of page.messages) guard.take(message);
        read.push(...page.messages);
        sequence = page.next;
      }
      assert.deepEqual(read, sent);
    });

    test('are bounded in number: a sender has 4,096', async () => {
      const sale = agree();
      await sale.agent.postMessage(opaque(sale, MAX_MESSAGES - 1));
      await assert.rejects(sale.agent.postMessage(opaque(sale, MAX_MESSAGES)), refusedAs('bad-request'));
      const { messages, next } = await sale.signer.listMessages(sale.agreement.id, {
        ...{ from: sale.agreement.agent, sequence: 1 },
      });
      assert.deepEqual([messages.map(({ sequence }) => sequence), next], [[MAX_MESSAGES - 1], null]);
    });

    test('posted again are no others; another under a number that was used is refused, also in a race', async () => {
      const sale = agree();
      const message = opaque(sale, 0);
      await sale.agent.postMessage(message);
      await sale.agent.postMessage(message);
      const rival = opaque(sale, 0, { ciphertext: new Uint8Array(21) });
      await assert.rejects(sale.agent.postMessage(rival), refusedAs('sequence-used'));
      const racing = await Promise.allSettled(
        Array.from({ length: 16 }, (_, i) => sale.agent.postMessage(opaque(sale, 1, { ciphertext: Uint8Array.of(i) }))),
      );
      assert.equal(racing.filter(({ status }) => status === 'fulfilled').length, 1);
      const { messages } = await sale.signer.listMessages(sale.agreement.id, { from: message.from });
      assert.deepEqual([messages.length, messages[0]], [2, message]);
    });

    test('forged, altered or addressed to somebody else are refused', async () => {
      const sale = agree();
      const message = opaque(sale, 0);
      const other = agree();
      const altered: Record<string, SealedMessage> = {
        ciphertext: { ...message, ciphertext: new Uint8Array(20) },
        enc: { ...message, enc: new Uint8Array(32).fill(9) },
        sequence: { ...message, sequence: 1 },
        signature: { ...message, signature: new Uint8Array(65) },
        'for another agreement': { ...opaque(other, 0), agreement: sale.agreement.id, to: message.to },
        'to a stranger': opaque(sale, 0, { to: other.agreement.agent }),
        'to oneself': opaque(sale, 0, { to: message.from }),
        'in the other party’s name': opaque(sale, 0, { from: message.to, to: message.from }),
      };
      for (const [what, wrong] of Object.entries(altered)) {
        await assert.rejects(sale.agent.postMessage(wrong), refusedAs('bad-request'), what);
      }
      await assert.rejects(sale.signer.postMessage(message), refusedAs('bad-request'), 'under another account');
      assert.deepEqual(await dump(stores.table, agreementPk(sale.agreement.id)), []);
    });

    test('are neither taken from strangers nor shown to them', async () => {
      const sale = agree();
      await sale.agent.postMessage(opaque(sale, 0));
      for (const stranger of [clientOf(key()), agree().agent]) {
        await assert.rejects(stranger.postMessage(opaque(sale, 1)), refusedAs('forbidden'));
        const query = { from: sale.agreement.agent };
        await assert.rejects(stranger.listMessages(sale.agreement.id, query), refusedAs('forbidden'));
      }
    });

    test('can be read when the agreement is settled, and no more are taken; the table forgets them', async () => {
      const sale = agree();
      await sale.agent.postMessage(opaque(sale, 0));
      agreements.final.set(sale.agreement.id, { ...sale.agreement, state: 'closed' });
      stores.clock.offsetMs = 15_001;
      await assert.rejects(sale.agent.postMessage(opaque(sale, 1)), refusedAs('ended'));
      const { messages } = await sale.signer.listMessages(sale.agreement.id, { from: sale.agreement.agent });
      assert.equal(messages.length, 1);
      const [item] = await dump(stores.table, agreementPk(sale.agreement.id));
      const endSeconds = sale.agreement.buyer?.endSeconds ?? 0;
      assert.equal(item?.expiresAtS, endSeconds + WINDOW_SECONDS + 30 * 86_400);
    });

    test('are taken of who approved: all of it is still to be delivered', async () => {
      const sale = agree();
      const { terms } = sale.agreement;
      agreements.final.set(sale.agreement.id, { ...sale.agreement, state: 'closed', due: terms.price });
      stores.clock.offsetMs = 15_001;
      await sale.agent.postMessage(opaque(sale, 0));
      stores.clock.offsetMs = 1000 * ((sale.agreement.buyer?.endSeconds ?? 0) + WINDOW_SECONDS + 1) - Date.now();
      await assert.rejects(sale.agent.postMessage(opaque(sale, 1)), refusedAs('ended'));
    });

    test('that a mailbox repeats, reorders or makes up are noticed by their reader', async () => {
      const sale = agree();
      const { agreement, agentKey, signerKey } = sale;
      const keys = await deriveEncryptionKeys(nodePrimitives.randomBytes(32));
      const header = { agreement: agreement.id, from: accountOfKey(agentKey), to: accountOfKey(signerKey) };
      const sent = await Promise.all(
        [0, 1, 2].map((sequence) =>
          sealMessage(AGREEMENT_DOMAIN, { ...header, sequence }, keys.publicKey, agentKey, utf8(`keys ${sequence}`)),
        ),
      );
      const read = async (messages: readonly (SealedMessage | undefined)[]) => {
        const guard = new SequenceGuard();
        for (const message of messages as SealedMessage[]) {
          await openMessage(AGREEMENT_DOMAIN, message, keys.privateKey);
          guard.take(message);
        }
      };
      await read(sent);
      const [zero, one] = sent as [SealedMessage, SealedMessage];
      await assert.rejects(read([zero, zero]), ProofError, 'repeated');
      await assert.rejects(read([one, zero]), ProofError, 'reordered');
      await assert.rejects(read([{ ...zero, sequence: 3 }]), ProofError, 'renumbered');
      await assert.rejects(read([{ ...one, from: accountOfKey(key()) }]), ProofError, 'renamed');
    });
  });
});
