import middy from '@middy/core';
import { MAX_MESSAGES } from '../core/agreement/message.ts';
import type { Address, AgreementId } from '../core/ids.ts';
import type { Item } from '../core/ports/table.ts';
import { encodeMessagePage, MAX_MESSAGE_PAGE, type MessagePage } from '../core/wire/messages.ts';
import { dagCborAnswer } from './answer/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf, ServicePorts } from './ports.ts';
import { admitAgreement } from './rights/admit-agreement.ts';
import { agreementPk, type MessageEntry, messageSk, sequenceOf } from './state/entries.ts';
import { listMessagesRow as row } from './table.ts';

/** Messages of one sender from a sequence on, in their order, at most 16 at a time. */
export async function listMessages(
  { table }: Pick<ServicePorts, 'table'>,
  input: { readonly agreement: AgreementId; readonly from: Address; readonly sequence?: number | undefined },
  signal?: AbortSignal,
): Promise<MessagePage> {
  const { agreement, from, sequence = 0 } = input;
  const range = { from: messageSk(from, sequence), to: messageSk(from, MAX_MESSAGES), limit: MAX_MESSAGE_PAGE };
  const { items, next } = await table.query(agreementPk(agreement), range, signal);
  return {
    messages: (items as (Item & MessageEntry)[]).map(({ sk, to, enc, ciphertext, signature }) => ({
      ...{ agreement, from, to: to as Address, sequence: sequenceOf(sk), enc, ciphertext, signature },
    })),
    next: next === null ? null : sequenceOf(next),
  };
}

export const handlerFor = (ports: PortsOf<typeof row>) =>
  middy(async ({ params, query, signal }: Call<typeof row>) => {
    const input = { ...params, from: query.from as Address, sequence: query.sequence };
    return dagCborAnswer(encodeMessagePage(await listMessages(ports, input, signal)));
  }).use(httpMiddleware(ports, row, admitAgreement(ports, row)));
