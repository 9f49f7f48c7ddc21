import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { deliverPurchase } from '../../client/consumer/deliver-purchase.ts';
import type { VerifiedBlock } from '../../client/consumer/verified-block.ts';
import { encodeKeyPayload } from '../../core/agreement/key-payload.ts';
import { MAX_MESSAGES, type SealedMessage } from '../../core/agreement/message.ts';
import { dueFor } from '../../core/agreement/quota.ts';
import { sealMessage } from '../../core/agreement/seal-message.ts';
import { RequestRefusedError } from '../../core/errors.ts';
import { HonestStorage, sealLog } from '../core/honest-storage.ts';
import { MemorySale, memoryStore } from '../protocols/memory-sale.ts';

const SIZES = [[40, 3000, 300], [300], [5000, 17]];
const BLOCKS = 6;

async function prepare() {
  const log = sealLog(nodePrimitives, SIZES);
  const sale = await MemorySale.open(nodePrimitives, log, { samples: 0 });
  const service = Object.assign(new HonestStorage(nodePrimitives, log), { storeVoucher: sale.storeVoucher.bind(sale) });
  const open = () => {
    const store = memoryStore(sale.purchase.id);
    const { channel, distrusted } = sale.channel(store);
    const taken: VerifiedBlock[] = [];
    const deliver = (ahead = 2) =>
      deliverPurchase(
        {
          ...{ primitives: nodePrimitives, service, channel, store, domain: sale.domain, signerKey: sale.signerKey },
          readNowSeconds: async () => 1_790_000_000,
          readShownKeys: async () => new Map(),
        },
        { purchase: sale.purchase, log: sale.log, ahead },
        { append: async (block) => void taken.push(block), sync: async () => {} },
      );
    return { store, channel, distrusted, taken, deliver };
  };
  return { sale, open };
}

const taken409 = () =>
  new RequestRefusedError('Message was posted before.', { type: '/problems/sequence-used', status: 409 });

describe('a hostile mailbox, and a hostile owner behind it', () => {
  it('cannot use up the numbers of a consumer by messages that the consumer never signed', async () => {
    const { sale, open } = await prepare();
    const { store, distrusted, deliver } = open();
    const [post, list] = [sale.postMessage.bind(sale), sale.listMessages.bind(sale)];
    let isHostile = true;
    sale.postMessage = async (message) => {
      if (isHostile) throw taken409();
      return post(message);
    };
    const { id, agent, buyer } = sale.purchase;
    const made: SealedMessage = {
      ...{ agreement: id, from: buyer.signer, to: agent, sequence: MAX_MESSAGES - 1 },
      ...{ enc: new Uint8Array(32), ciphertext: new Uint8Array(16), signature: new Uint8Array(65).fill(27) },
    };
    sale.listMessages = async (agreement, query) =>
      isHostile && query.from === buyer.signer ? { messages: [made], next: null } : list(agreement, query);
    await assert.rejects(deliver(), RequestRefusedError);
    assert.ok(store.state.nextSequence < 10, `${store.state.nextSequence} numbers are used up`);
    assert.match(distrusted.join('\n'), /Message 4095/);
    isHostile = false;
    assert.equal((await deliver()).stopped, null);
  });

  it('an owner who uses his last number leaves a verdict behind, not a request that is refused for ever', async () => {
    const { sale, open } = await prepare();
    const { store, distrusted, deliver } = open();
    const { id, agent, buyer } = sale.purchase;
    sale.changeKeys = () => null;
    const header = { agreement: id, from: agent, to: buyer.signer, sequence: MAX_MESSAGES - 1 };
    const plaintext = encodeKeyPayload(await sale.keysOf([5]));
    sale.mailbox.push(await sealMessage(sale.domain, header, buyer.encryptionKey, sale.agentKey, plaintext));
    const list = sale.listMessages.bind(sale);
    sale.listMessages = async (agreement, query) => {
      if ((query.sequence ?? 0) >= MAX_MESSAGES) {
        throw new RequestRefusedError('No such number.', { type: '/problems/bad-request', status: 400 });
      }
      return list(agreement, query);
    };
    const { stopped } = await deliver();
    assert.deepEqual([stopped?.verdict, store.state.readUpTo, distrusted], ['unavailable', MAX_MESSAGES, []]);
    await assert.rejects(deliver(), /need 4 messages, but this agreement has only 0 left/);
    assert.equal(store.state.due, dueFor(sale.purchase.terms, 1), 'nothing more is signed');
  });
});

describe('the state of a purchase that is older than what was signed', () => {
  it('is gone on with: the keys are still in the mailbox, and nothing is paid twice', async () => {
    const { sale, open } = await prepare();
    assert.equal((await open().deliver()).stopped, null);
    const paid = sale.ownerDue;
    const anew = open();
    const { stopped, verified } = await anew.deliver();
    assert.deepEqual([stopped, verified, anew.taken.length], [null, BLOCKS, BLOCKS]);
    assert.equal(sale.ownerDue, paid);
  });

  it('is refused before anything is signed when the messages left are too few for such small steps', async () => {
    const { sale, open } = await prepare();
    const { store, deliver } = open();
    // One, one, two and two blocks: four messages.
    await store.save({ nextSequence: MAX_MESSAGES - 4 });
    await assert.rejects(deliver(1), /Pay for at least 2 ahead/);
    assert.deepEqual([sale.vouchers, store.state.due], [[], 0n]);
    assert.equal((await deliver(2)).stopped, null);
  });
});
