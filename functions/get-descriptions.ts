import middy from '@middy/core';
import { to0x } from '../core/bytes.ts';
import type { AgreementId } from '../core/ids.ts';
import type { SignedText } from '../core/market/signed-text.ts';
import { jsonAnswer } from './answer/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf, TableReader } from './ports.ts';
import { admitAnyone } from './rights/admit-anyone.ts';
import { agreementPk, DESCRIPTION_SK, type SignedEntry } from './state/entries.ts';
import { getDescriptionsRow as row } from './table.ts';

/** What is said of these agreements, of those of which something is. */
export async function getDescriptions(
  { table }: { readonly table: Pick<TableReader, 'getMany'> },
  agreements: readonly AgreementId[],
  signal?: AbortSignal,
): Promise<(SignedText & { readonly agreement: AgreementId })[]> {
  const keys = agreements.map((agreement) => ({ pk: agreementPk(agreement), sk: DESCRIPTION_SK }));
  const found = (await table.getMany(keys, signal)) as ((SignedEntry & object) | null)[];
  return agreements.flatMap((agreement, i) => {
    const entry = found[i];
    return entry == null ? [] : [{ agreement, text: entry.text, signature: entry.signature }];
  });
}

export const handlerFor = (ports: PortsOf<typeof row>) =>
  middy(async ({ body, signal }: Call<typeof row, null>) => {
    const found = await getDescriptions(ports, body.agreements as AgreementId[], signal);
    return jsonAnswer({ descriptions: found.map((one) => ({ ...one, signature: to0x(one.signature) })) });
  }).use(httpMiddleware(ports, row, admitAnyone(row)));
