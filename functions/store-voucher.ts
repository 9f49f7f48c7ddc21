import middy from '@middy/core';
import { recoverVoucherSigner, type Voucher } from '../core/agreement/voucher.ts';
import { fromHex } from '../core/bytes.ts';
import { ProofError } from '../core/errors.ts';
import type { Agreement, Agreements } from '../core/ports/agreements.ts';
import { requireOpen } from './agreement/require-open.ts';
import { jsonAnswer } from './answer/answer.ts';
import { Problem } from './answer/problem.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf } from './ports.ts';
import { type AdmittedAgreement, admitAgreement } from './rights/admit-agreement.ts';
import { type AgreementPorts, changeAgreementEntry } from './state/agreement-entry.ts';
import { AgreementTurns } from './state/agreement-turns.ts';
import { storeVoucherRow as row } from './table.ts';

/**
 * Keeps the agreement's highest voucher, by one conditional item: whatever races, what is kept only rises.
 * @returns what is due by the highest voucher kept
 * @throws Problem when the voucher is not the signer's, or OCASC would not take it
 */
export async function storeVoucher(
  ports: AgreementPorts & { readonly agreements: Pick<Agreements, 'domain'> },
  agreement: Agreement,
  given: { readonly due: bigint; readonly signature: Uint8Array },
  signal?: AbortSignal,
): Promise<bigint> {
  const buyer = requireOpen(agreement, ports.runtime.nowMs());
  const { fee, price } = agreement.terms;
  if (given.due <= fee || given.due > price) {
    throw new Problem('/problems/bad-request', `body.due: ${given.due} must be above ${fee} and at most ${price}.`);
  }
  const voucher = { agreement: agreement.id, due: given.due };
  const signer = signerOf(ports.agreements.domain, voucher, given.signature);
  if (signer !== buyer.signer) {
    throw new Problem('/problems/bad-request', 'body.signature: the agreement’s signer did not sign this voucher.');
  }
  const entry = await changeAgreementEntry(
    ports,
    agreement.id,
    (kept) =>
      kept.due !== undefined && BigInt(kept.due) >= given.due
        ? null
        : { ...kept, due: String(given.due), voucher: given.signature },
    signal,
  );
  return BigInt(entry.due as string);
}

function signerOf(domain: Agreements['domain'], voucher: Voucher, signature: Uint8Array): string | null {
  try {
    return recoverVoucherSigner(domain, voucher, signature);
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}

export const handlerFor = (ports: PortsOf<typeof row>, turns = new AgreementTurns()) =>
  middy(async ({ body, agreement, signal }: Call<typeof row> & AdmittedAgreement) => {
    const voucher = { due: body.due, signature: fromHex(body.signature) };
    // Whoever was admitted under an agreement has been so by OCASC.
    const agreements = ports.agreements as Agreements;
    const due = await storeVoucher({ ...ports, turns, agreements }, agreement, voucher, signal);
    return jsonAnswer({ due: String(due) });
  }).use(httpMiddleware(ports, row, admitAgreement(ports, row)));
