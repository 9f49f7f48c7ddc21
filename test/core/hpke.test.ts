import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shake128_32 } from '@noble/hashes/sha3.js';
import { MAX_MESSAGES, MAX_PAYLOAD_BYTES, type SealedMessage, signMessage } from '../../core/agreement/message.ts';
import {
  deriveEncryptionKeys,
  type EncryptionPrivateKey,
  type EncryptionPublicKey,
  MAX_PLAINTEXT_BYTES,
  messageAad,
  messageInfo,
  messageSuite,
  openMessage,
  sealMessage,
} from '../../core/agreement/seal-message.ts';
import { SequenceGuard } from '../../core/agreement/sequence-guard.ts';
import { to0x, utf8 } from '../../core/bytes.ts';
import { ArgumentError, KeyError, ProofError } from '../../core/errors.ts';
import type { Address, AgreementId, PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { rfc9180, sealedByGo } from './hpke-vectors.ts';
import { hex } from './vector-bytes.ts';

const buffer = (text: string) => Uint8Array.from(hex(text)).buffer;

const domain = { chainId: 31337, ocasc: `0x${'0c'.repeat(20)}` as Address };
const agreement = `0x${'a9'.repeat(32)}` as AgreementId;
const agentKey = new Uint8Array(32).fill(5) as PrivateKey;
const agent = accountOfKey(agentKey);
const consumer = `0x${'bb'.repeat(20)}` as Address;
const header = { agreement, from: agent, to: consumer, sequence: 258 };

describe('HPKE as published', () => {
  const vector = rfc9180;
  it(`keys, encapsulation and 1,000 ciphertexts of one context, opened again`, async () => {
    const keys = await deriveEncryptionKeys(hex(vector.ikmR));
    assert.equal(to0x(keys.publicKey), vector.pkRm);
    const recipientPublicKey = await messageSuite.kem.deserializePublicKey(buffer(vector.pkRm));
    const sender = await messageSuite.createSenderContext({
      ...{ recipientPublicKey, info: buffer(vector.info) },
      ekm: await messageSuite.kem.deriveKeyPair(buffer(vector.ikmE)),
    });
    assert.equal(to0x(new Uint8Array(sender.enc)), vector.enc);
    const recipient = await messageSuite.createRecipientContext({
      ...{ enc: sender.enc, info: buffer(vector.info) },
      recipientKey: await messageSuite.kem.deserializePrivateKey(buffer(vector.skRm)),
    });
    const source = shake128_32.create({});
    const draw = () => Uint8Array.from(source.xof(source.xof(1)[0] as number)).buffer;
    const sink = shake128_32.create({ dkLen: 16 });
    for (let i = 0; i < 1000; i++) {
      const [aad, plaintext] = [draw(), draw()];
      const ciphertext = await sender.seal(plaintext, aad);
      sink.update(new Uint8Array(ciphertext));
      assert.deepEqual(await recipient.open(ciphertext, aad), plaintext);
    }
    assert.equal(to0x(sink.digest()), vector.encryptionsAccumulated);
  });

  it(`info, aad and key are the same there, and what was sealed there is opened here`, async () => {
    assert.equal(to0x(messageInfo(domain, header)), sealedByGo.info);
    assert.equal(to0x(messageAad(header)), sealedByGo.aad);
    const keys = await deriveEncryptionKeys(hex(sealedByGo.seed));
    assert.deepEqual([to0x(keys.privateKey), to0x(keys.publicKey)], [sealedByGo.skRm, sealedByGo.pkRm]);
    const message = { ...header, enc: hex(sealedByGo.enc), ciphertext: hex(sealedByGo.ciphertext) };
    const signed = { ...message, signature: signMessage(domain, message, agentKey) };
    assert.equal(to0x(await openMessage(domain, signed, keys.privateKey)), sealedByGo.plaintext);
  });
});

describe('messages', () => {
  const seed = (byte: number) => new Uint8Array(32).fill(byte);
  const plaintext = utf8('keys of 460 blocks');
  async function sealed(): Promise<{ message: SealedMessage; privateKey: EncryptionPrivateKey }> {
    const { publicKey, privateKey } = await deriveEncryptionKeys(seed(9));
    return { message: await sealMessage(domain, header, publicKey, agentKey, plaintext), privateKey };
  }
  /** Signed again by the sender: what remains is what encryption binds. */
  const resigned = (message: SealedMessage, where = domain, key = agentKey): SealedMessage => ({
    ...message,
    signature: signMessage(where, message, key),
  });

  it('go to one receiver, and no two are alike', async () => {
    const { message, privateKey } = await sealed();
    assert.deepEqual(await openMessage(domain, message, privateKey), plaintext);
    assert.notDeepEqual((await sealed()).message.enc, message.enc);
  });

  it('of nothing and of the most that fits are sealed and opened; a byte more is refused', async () => {
    const { publicKey, privateKey } = await deriveEncryptionKeys(seed(9));
    for (const size of [0, MAX_PLAINTEXT_BYTES]) {
      const content = new Uint8Array(size).fill(3);
      const message = await sealMessage(domain, header, publicKey, agentKey, content);
      assert.equal(message.enc.length + message.ciphertext.length, size + 48);
      assert.deepEqual(await openMessage(domain, message, privateKey), content);
    }
    assert.equal(MAX_PLAINTEXT_BYTES + 48, MAX_PAYLOAD_BYTES);
    const tooLong = new Uint8Array(MAX_PLAINTEXT_BYTES + 1);
    await assert.rejects(sealMessage(domain, header, publicKey, agentKey, tooLong), ArgumentError);
  });

  it('altered, cut, lengthened or signed by another on the way are refused before they are opened', async () => {
    const { message, privateKey } = await sealed();
    const flip = (field: Uint8Array) => field.map((byte, i) => (i === 7 ? byte ^ 1 : byte));
    const stranger = `0x${'cc'.repeat(20)}` as Address;
    const forgeries: Record<string, SealedMessage> = {
      ciphertext: { ...message, ciphertext: flip(message.ciphertext) },
      enc: { ...message, enc: flip(message.enc) },
      cut: { ...message, ciphertext: message.ciphertext.subarray(1) },
      'moved border': {
        ...message,
        enc: message.enc.subarray(0, 31),
        ciphertext: Uint8Array.from([message.enc[31] as number, ...message.ciphertext]),
      },
      sequence: { ...message, sequence: message.sequence + 1 },
      'sequence without end': resigned({ ...message, sequence: MAX_MESSAGES }),
      'too long': resigned({ ...message, ciphertext: new Uint8Array(MAX_PAYLOAD_BYTES) }),
      receiver: { ...message, to: stranger },
      sender: { ...message, from: stranger },
      agreement: { ...message, agreement: `0x${'aa'.repeat(32)}` as AgreementId },
      'other signer': resigned(message, domain, seed(6) as PrivateKey),
      'other contract': resigned(message, { ...domain, ocasc: `0x${'0d'.repeat(20)}` as Address }),
      'other chain': resigned(message, { ...domain, chainId: 1 }),
      'no signature': { ...message, signature: new Uint8Array(0) },
    };
    for (const [what, forged] of Object.entries(forgeries)) {
      await assert.rejects(openMessage(domain, forged, privateKey), ProofError, what);
    }
  });

  it('that their sender signs anew for another agreement, receiver, number or place do not open', async () => {
    const { message, privateKey } = await sealed();
    for (const [what, moved] of Object.entries({
      agreement: resigned({ ...message, agreement: `0x${'aa'.repeat(32)}` as AgreementId }),
      receiver: resigned({ ...message, to: `0x${'cc'.repeat(20)}` as Address }),
      sequence: resigned({ ...message, sequence: 0 }),
      'short of a tag': resigned({ ...message, ciphertext: message.ciphertext.subarray(0, 15) }),
    })) {
      await assert.rejects(openMessage(domain, moved, privateKey), KeyError, what);
    }
    const elsewhere = { ...domain, chainId: 1 };
    await assert.rejects(openMessage(elsewhere, resigned(message, elsewhere), privateKey), KeyError);
    const { privateKey: another } = await deriveEncryptionKeys(seed(8));
    await assert.rejects(openMessage(domain, message, another), KeyError);
  });

  it('copied by another under a name of its own do not open', async () => {
    const { message, privateKey } = await sealed();
    const thiefKey = seed(6) as PrivateKey;
    const stolen = resigned({ ...message, from: accountOfKey(thiefKey) }, domain, thiefKey);
    await assert.rejects(openMessage(domain, stolen, privateKey), KeyError);
  });

  it('keys that lead to a shared secret known to everyone are refused at both ends', async () => {
    const { message, privateKey } = await sealed();
    const lowOrder = [
      new Uint8Array(32),
      Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)),
      hex('0xe0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'),
      hex('0x5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'),
    ];
    for (const point of lowOrder) {
      const key = point as EncryptionPublicKey;
      await assert.rejects(sealMessage(domain, header, key, agentKey, plaintext), KeyError);
      await assert.rejects(openMessage(domain, resigned({ ...message, enc: point }), privateKey), KeyError);
    }
    const short = new Uint8Array(31) as EncryptionPublicKey;
    await assert.rejects(sealMessage(domain, header, short, agentKey, plaintext), KeyError);
    await assert.rejects(deriveEncryptionKeys(new Uint8Array(31)), ArgumentError);
  });

  it('are numbered within bounds', async () => {
    const { publicKey } = await deriveEncryptionKeys(seed(9));
    for (const sequence of [-1, 0.5, MAX_MESSAGES, Number.NaN]) {
      await assert.rejects(sealMessage(domain, { ...header, sequence }, publicKey, agentKey, plaintext), ArgumentError);
    }
  });
});

describe('a guard of sequences', () => {
  const from = (who: Address, sequence: number, where = agreement) => ({ agreement: where, from: who, sequence });

  it('refuses what is shown again, or behind a later message', () => {
    const guard = new SequenceGuard();
    guard.take(from(agent, 0));
    assert.throws(() => guard.take(from(agent, 0)), ProofError);
    guard.take(from(agent, 1));
    guard.take(from(agent, 5));
    for (const late of [0, 1, 4, 5]) assert.throws(() => guard.take(from(agent, late)), ProofError, `${late}`);
    guard.take(from(agent, 6));
  });

  it('counts every sender in every agreement for itself', () => {
    const guard = new SequenceGuard();
    guard.take(from(agent, 3));
    guard.take(from(consumer, 0));
    guard.take(from(agent, 0, `0x${'aa'.repeat(32)}` as AgreementId));
    assert.throws(() => guard.take(from(agent, 3)), ProofError);
  });

  it('goes on behind what was read before, in whatever order that is remembered', () => {
    const guard = new SequenceGuard([from(agent, 4), from(agent, 2), from(consumer, 0)]);
    assert.throws(() => guard.take(from(agent, 4)), ProofError);
    assert.throws(() => guard.take(from(consumer, 0)), ProofError);
    guard.take(from(agent, 5));
  });
});
