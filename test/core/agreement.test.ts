import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AbiCoder, keccak256, TypedDataEncoder, Wallet } from 'ethers';
import fc from 'fast-check';
import { messageHash, signMessage } from '../../core/agreement/message.ts';
import { admitBlocks, dueFor, MAX_SAMPLES, paidBlocks, type SaleTerms } from '../../core/agreement/quota.ts';
import { agreementId, type Offer, type Terms } from '../../core/agreement/terms.ts';
import { recoverVoucherSigner, signVoucher, voucherHash } from '../../core/agreement/voucher.ts';
import { concatBytes, to0x, u8 } from '../../core/bytes.ts';
import { ArgumentError, ProofError } from '../../core/errors.ts';
import type { Address, AgreementId, DatasetId, LogRoot, PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';

const domain = { chainId: 31337, ocasc: `0x${'0c'.repeat(20)}` as Address };
const agreement = `0x${'a9'.repeat(32)}` as AgreementId;
const signerKey = new Uint8Array(32).fill(5) as PrivateKey;

const TERMS: Terms = {
  ...{ dataset: `0x${'d5'.repeat(32)}` as DatasetId, first: 2 ** 40 + 1, count: 1_000_000 },
  ...{ token: `0x${'20'.repeat(20)}` as Address, price: 10n ** 30n, fee: 7n, bond: 2n ** 128n - 1n },
  ...{
    stakeWei: 2n ** 96n - 1n,
    maxChallenges: 65_535,
    samples: 4096,
    windowSeconds: 86_400,
    durationSeconds: 31_536_000,
  },
  ...{ acceptBySeconds: 2n ** 64n - 1n, consumer: `0x${'c0'.repeat(20)}` as Address },
};
const OFFER: Offer = {
  ...{ owner: `0x${'01'.repeat(20)}` as Address, nonce: 3n, terms: TERMS },
  ...{ root: new Uint8Array(32).fill(0xee) as LogRoot, batches: 65_536 },
};
const TERMS_ABI =
  'tuple(bytes32,uint64,uint32,address,uint128,uint128,uint128,uint96,uint16,uint32,uint32,uint32,uint64,address)';

describe('an agreement’s id', () => {
  it('is the hash of the ABI encoding, as another encoder writes it', () => {
    const { terms } = OFFER;
    const encoded = AbiCoder.defaultAbiCoder().encode(
      ['uint256', 'address', 'address', 'uint256', TERMS_ABI, 'bytes32', 'uint32'],
      [
        ...[domain.chainId, domain.ocasc, OFFER.owner, OFFER.nonce, Object.values(terms)],
        ...[to0x(OFFER.root), OFFER.batches],
      ],
    );
    assert.equal(agreementId(domain, OFFER), keccak256(encoded));
  });

  it('changes with every part of what is agreed', () => {
    const other = { address: `0x${'77'.repeat(20)}`, id: `0x${'77'.repeat(32)}` };
    const changed = (name: keyof Terms, value: unknown) => ({ ...OFFER, terms: { ...TERMS, [name]: value } as Terms });
    const offers = [
      OFFER,
      ...Object.entries(TERMS).map(([name, value]) => {
        if (typeof value !== 'string')
          return changed(name as keyof Terms, typeof value === 'bigint' ? value - 1n : value - 1);
        return changed(name as keyof Terms, value.length === 66 ? other.id : other.address);
      }),
      { ...OFFER, nonce: 4n },
      { ...OFFER, owner: other.address as Address },
      { ...OFFER, batches: 65_535 },
      { ...OFFER, root: new Uint8Array(32) as LogRoot },
    ];
    const ids = [
      ...offers.map((offer) => agreementId(domain, offer)),
      agreementId({ ...domain, chainId: 1 }, OFFER),
      agreementId({ ...domain, ocasc: other.address as Address }, OFFER),
    ];
    assert.equal(offers.length, 19);
    assert.equal(new Set(ids).size, ids.length);
  });

  it('is not made of numbers that the contract could not hold', () => {
    for (const wrong of [{ price: 2n ** 128n }, { fee: -1n }, { count: 2 ** 32 }, { maxChallenges: 65_536 }]) {
      assert.throws(() => agreementId(domain, { ...OFFER, terms: { ...TERMS, ...wrong } }), ArgumentError);
    }
  });
});

describe('vouchers and messages', () => {
  const typedDomain = {
    name: 'Plumbline OCASC',
    version: '1',
    chainId: domain.chainId,
    verifyingContract: domain.ocasc,
  };
  const voucherType = {
    Voucher: [
      { name: 'agreement', type: 'bytes32' },
      { name: 'due', type: 'uint128' },
    ],
  };
  const messageType = {
    Message: [
      { name: 'agreement', type: 'bytes32' },
      { name: 'from', type: 'address' },
      { name: 'to', type: 'address' },
      { name: 'sequence', type: 'uint64' },
      { name: 'payload', type: 'bytes32' },
    ],
  };

  it('are the typed data that a wallet signs, byte for byte', async () => {
    const wallet = new Wallet(to0x(signerKey));
    const voucher = { agreement, due: 2n ** 128n - 1n };
    assert.equal(to0x(voucherHash(domain, voucher)), TypedDataEncoder.hash(typedDomain, voucherType, voucher));
    assert.equal(
      to0x(signVoucher(domain, voucher, signerKey)),
      await wallet.signTypedData(typedDomain, voucherType, voucher),
    );

    const parties = { agreement, from: accountOfKey(signerKey), to: `0x${'bb'.repeat(20)}` as Address, sequence: 4095 };
    const sealed = { ...parties, enc: new Uint8Array(32).fill(1), ciphertext: new Uint8Array(100).fill(2) };
    const value = { ...parties, payload: keccak256(concatBytes(sealed.enc, sealed.ciphertext)) };
    assert.equal(to0x(messageHash(domain, sealed)), TypedDataEncoder.hash(typedDomain, messageType, value));
    assert.equal(
      to0x(signMessage(domain, sealed, signerKey)),
      await wallet.signTypedData(typedDomain, messageType, value),
    );
  });

  it('of other contracts, chains, agreements and amounts are other accounts’', () => {
    const voucher = { agreement, due: 100n };
    const signature = signVoucher(domain, voucher, signerKey);
    assert.equal(recoverVoucherSigner(domain, voucher, signature), accountOfKey(signerKey));
    const others = [
      recoverVoucherSigner({ ...domain, chainId: 1 }, voucher, signature),
      recoverVoucherSigner({ ...domain, ocasc: `0x${'0d'.repeat(20)}` as Address }, voucher, signature),
      recoverVoucherSigner(domain, { ...voucher, due: 101n }, signature),
      recoverVoucherSigner(domain, { ...voucher, agreement: `0x${'aa'.repeat(32)}` as AgreementId }, signature),
    ];
    for (const other of others) assert.notEqual(other, accountOfKey(signerKey));
  });

  it('have one signature each: a high s, another v, short and long ones are refused', () => {
    const voucher = { agreement, due: 100n };
    const signature = signVoucher(domain, voucher, signerKey);
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const s = order - BigInt(to0x(signature.subarray(32, 64)));
    const high = Buffer.from(s.toString(16).padStart(64, '0'), 'hex');
    const v = signature[64] as number;
    const spellings = {
      'high s': concatBytes(signature.subarray(0, 32), high, u8(v === 27 ? 28 : 27)),
      'v 0 or 1': concatBytes(signature.subarray(0, 64), u8(v - 27)),
      'EIP-155 v': concatBytes(signature.subarray(0, 64), u8(v + 10)),
      compact: signature.subarray(0, 64),
      longer: concatBytes(signature, u8(0)),
      zeros: concatBytes(new Uint8Array(64), u8(27)),
      'r beyond the order': concatBytes(new Uint8Array(32).fill(255), signature.subarray(32)),
    };
    for (const [what, spelling] of Object.entries(spellings)) {
      assert.throws(() => recoverVoucherSigner(domain, voucher, spelling), ProofError, what);
    }
  });
});

describe('what a voucher pays for', () => {
  const amounts = fc
    .tuple(fc.bigInt(0n, 2n ** 128n - 1n), fc.bigInt(0n, 2n ** 128n - 1n), fc.bigInt(0n, 2n ** 128n - 1n))
    .map((three) => three.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)) as [bigint, bigint, bigint]);
  const sales = fc
    .record({ first: fc.nat(), count: fc.integer({ min: 1, max: 2 ** 32 - 1 }), amounts, samples: fc.nat(MAX_SAMPLES) })
    .map(({ amounts: [fee, due, price], ...rest }) => ({ terms: { ...rest, fee, price } satisfies SaleTerms, due }));

  it('is nothing for the fee, everything for the price, and all from the start when nothing is owed beyond the fee', () => {
    const terms = { first: 5, count: 10, price: 107n, fee: 7n, samples: 2 };
    assert.deepEqual(
      [0n, 7n, 16n, 17n, 26n, 27n, 106n, 107n].map((due) => paidBlocks(terms, due)),
      [0, 0, 0, 1, 1, 2, 9, 10],
    );
    assert.equal(paidBlocks({ ...terms, fee: 107n }, 107n), 10);
    assert.equal(paidBlocks({ ...terms, price: 0n, fee: 0n }, 0n), 10);
    assert.throws(() => paidBlocks(terms, 108n), ArgumentError);
  });

  it('never costs the owner: the blocks paid for are worth no more than is due beyond the fee', () => {
    fc.assert(
      fc.property(sales, ({ terms, due }) => {
        const blocks = paidBlocks(terms, due);
        assert.ok(blocks >= 0 && blocks <= terms.count);
        if (terms.price > terms.fee) {
          const paid = BigInt(terms.count) * (due - terms.fee);
          assert.ok(BigInt(blocks) * (terms.price - terms.fee) <= paid);
          assert.ok(BigInt(blocks + 1) * (terms.price - terms.fee) > paid);
        }
      }),
    );
  });

  it('never falls when more is due', () => {
    fc.assert(
      fc.property(sales, fc.bigInt(0n, 1000n), ({ terms, due }, more) => {
        const later = due + ((terms.price - due) * more) / 1000n;
        assert.ok(paidBlocks(terms, later) >= paidBlocks(terms, due));
      }),
    );
  });

  it('can be asked for: the least that pays for so many blocks pays for them, and a unit less does not', () => {
    fc.assert(
      fc.property(sales, fc.double({ min: 0, max: 1, noNaN: true }), ({ terms }, part) => {
        const blocks = Math.floor(part * terms.count);
        const due = dueFor(terms, blocks);
        assert.ok(due >= terms.fee && due <= terms.price);
        assert.ok(paidBlocks(terms, due) >= blocks);
        if (due > terms.fee) assert.ok(paidBlocks(terms, due - 1n) < blocks);
      }),
    );
    assert.throws(() => dueFor({ first: 0, count: 3, price: 9n, fee: 0n, samples: 0 }, 4), ArgumentError);
  });
});

describe('delivery', () => {
  const terms = { first: 100, count: 10, price: 100n, fee: 0n, samples: 3 };
  const admit = (due: bigint, sampled: number[], asked: number[]) =>
    admitBlocks({ terms, due, sampled: new Set(sampled) }, asked);

  it('gives the paid prefix, repeats and new samples while there are any, and nothing that is not for sale', () => {
    assert.deepEqual(admit(20n, [105], [100, 101, 102, 105, 109, 108, 102, 110, 99]), {
      admitted: [100, 101, 102, 105, 109, 102],
      newSamples: [102, 109],
      refused: [108, 110, 99],
    });
    assert.deepEqual(admit(100n, [], [100, 109]), { admitted: [100, 109], newSamples: [], refused: [] });
  });

  it('however it is asked for in pieces, is never more than the paid prefix and the samples', () => {
    const asked = fc.array(fc.array(fc.integer({ min: 95, max: 115 }), { maxLength: 30 }), { maxLength: 20 });
    fc.assert(
      fc.property(asked, fc.bigInt(0n, 100n), fc.nat(12), (requests, due, samples) => {
        const sampled = new Set<number>();
        const seen = new Set<number>();
        for (const request of requests) {
          const given = admitBlocks({ terms: { ...terms, samples }, due, sampled }, request);
          assert.equal(given.admitted.length + given.refused.length, request.length);
          for (const index of given.admitted) seen.add(index);
          for (const index of given.newSamples) sampled.add(index);
        }
        const paid = paidBlocks(terms, due);
        const free = [...seen].filter((index) => index >= 100 + paid);
        assert.ok(free.length <= samples);
        assert.deepEqual(new Set(free), sampled);
        assert.ok([...seen].every((index) => index >= 100 && index < 110));
      }),
    );
  });

  it('holds to 4,096 samples whatever the terms say', () => {
    const many = { first: 0, count: 10_000, price: 1n, fee: 0n, samples: 0xffff_ffff };
    const asked = Array.from({ length: 5000 }, (_, i) => i);
    assert.equal(admitBlocks({ terms: many, due: 0n, sampled: new Set() }, asked).newSamples.length, MAX_SAMPLES);
  });
});
