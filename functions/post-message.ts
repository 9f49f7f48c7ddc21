import middy from '@middy/core';
import { requireMessageSigner, type SealedMessage } from '../core/agreement/message.ts';
import { equalBytes, fromHex } from '../core/bytes.ts';
import { ProofError } from '../core/errors.ts';
import type { Address } from '../core/ids.ts';
import type { Agreement, Agreements } from '../core/ports/agreements.ts';
import { requireOpen } from './agreement/require-open.ts';
import { jsonAnswer } from './answer/answer.ts';
import { Problem } from './answer/problem.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf, ServicePorts } from './ports.ts';
import { type AdmittedAgreement, admitAgreement } from './rights/admit-agreement.ts';
import { agreementPk, type MessageEntry, messageSk } from './state/entries.ts';
import { postMessageRow as row } from './table.ts';

/** How long messages are kept when the agreement is over: parties may have to look something up. */
const KEPT_SECONDS = 30 * 86_400;

/**
 * Lays a message into the agreement's mailbox, once for each sequence number of its sender: that also bounds their number.
 * False when the very same message is there already, as when an answer was lost.
 * @throws Problem when it is not from one party to the other, not signed by its sender, or another has its number
 */
export async function postMessage(
  ports: Pick<ServicePorts, 'table' | 'runtime'> & { readonly agreements: Pick<Agreements, 'domain'> },
  agreement: Agreement,
  message: SealedMessage,
  signal?: AbortSignal,
): Promise<boolean> {
  const buyer = requireOpen(agreement, ports.runtime.nowMs());
  const receiver = message.from === agreement.agent ? buyer.signer : agreement.agent;
  if (message.to !== receiver) {
    throw new Problem('/problems/bad-request', `body.to: must be ${receiver} for a message from ${message.from}.`);
  }
  requireSigned(ports.agreements.domain, message);
  const pk = agreementPk(agreement.id);
  const sk = messageSk(message.from, message.sequence);
  const { to, enc, ciphertext, signature } = message;
  const entry: MessageEntry = { to, enc, ciphertext, signature };
  const expiresAtS = buyer.endSeconds + agreement.terms.windowSeconds + KEPT_SECONDS;
  if (await ports.table.put({ pk, sk, ...entry, expiresAtS }, 'absent', signal)) return true;
  const there = (await ports.table.get(pk, sk, signal)) as MessageEntry | null;
  if (there === null || !isSame(there, entry)) {
    throw new Problem('/problems/sequence-used', `A different message ${message.sequence} was posted before.`);
  }
  return false;
}

function requireSigned(domain: Agreements['domain'], message: SealedMessage): void {
  try {
    requireMessageSigner(domain, message);
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    throw new Problem('/problems/bad-request', `body.signature: ${error.shortMessage}`);
  }
}

function isSame(a: MessageEntry, b: MessageEntry): boolean {
  return (
    a.to === b.to &&
    equalBytes(a.enc, b.enc) &&
    equalBytes(a.ciphertext, b.ciphertext) &&
    equalBytes(a.signature, b.signature)
  );
}

export const handlerFor = (ports: PortsOf<typeof row>) =>
  middy(async ({ params, body, caller, agreement, signal }: Call<typeof row> & AdmittedAgreement) => {
    const message: SealedMessage = {
      ...{ agreement: params.agreement, from: caller, to: body.to as Address, sequence: body.sequence },
      ...{ enc: fromHex(body.enc), ciphertext: fromHex(body.ciphertext), signature: fromHex(body.signature) },
    };
    // Whoever was admitted under an agreement has been so by OCASC.
    const agreements = ports.agreements as Agreements;
    return jsonAnswer({ stored: await postMessage({ ...ports, agreements }, agreement, message, signal) });
  }).use(httpMiddleware(ports, row, admitAgreement(ports, row)));
