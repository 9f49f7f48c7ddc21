import middy from '@middy/core';
import type { PresentedVoucher } from '../core/agreement/key-request.ts';
import { to0x } from '../core/bytes.ts';
import type { Agreement } from '../core/ports/agreements.ts';
import type { Table } from '../core/ports/table.ts';
import { jsonAnswer } from './answer/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf } from './ports.ts';
import { type AdmittedAgreement, admitAgreement } from './rights/admit-agreement.ts';
import { readAgreementEntry } from './state/agreement-entry.ts';
import { getVoucherRow as row } from './table.ts';

/**
 * The highest voucher that blocks are delivered against, also after the end; null before the first. Who delivers on a
 * voucher must not be the only one to have it: the owner is paid by showing it to OCASC.
 */
export async function getVoucher(
  { table }: { readonly table: Table },
  agreement: Pick<Agreement, 'id'>,
  signal?: AbortSignal,
): Promise<PresentedVoucher | null> {
  const { due, voucher } = await readAgreementEntry(table, agreement.id, signal);
  return due === undefined || voucher === undefined ? null : { due: BigInt(due), signature: voucher };
}

export const handlerFor = (ports: PortsOf<typeof row>) =>
  middy(async ({ agreement, signal }: Call<typeof row> & AdmittedAgreement) => {
    const kept = await getVoucher(ports, agreement, signal);
    return jsonAnswer({ voucher: kept === null ? null : { due: String(kept.due), signature: to0x(kept.signature) } });
  }).use(httpMiddleware(ports, row, admitAgreement(ports, row)));
