import middy from '@middy/core';
import type { PresentedVoucher } from '../core/agreement/key-request.ts';
import { to0x } from '../core/bytes.ts';
import type { Agreement } from '../core/ports/agreements.ts';
import type { Table } from '../core/ports/table.ts';
import { jsonAnswer } from './http/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { ServicePorts } from './ports.ts';
import { lazyHandler } from './ports-from-env.ts';
import { readAgreementEntry } from './state/agreement-entry.ts';
import { httpRows } from './table.ts';

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

const row = httpRows['get-voucher'];

export const handlerFor = (ports: ServicePorts) =>
  middy(async ({ agreement, signal }: Call<typeof row>) => {
    const kept = await getVoucher(ports, agreement as Agreement, signal);
    return jsonAnswer({ voucher: kept === null ? null : { due: String(kept.due), signature: to0x(kept.signature) } });
  }).use(httpMiddleware(ports, row));

export const handler = lazyHandler(row);
