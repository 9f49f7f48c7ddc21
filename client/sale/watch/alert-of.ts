import { counted } from '../../../core/counted.ts';
import type { AgreementId } from '../../../core/ids.ts';
import type { SaleEvent } from '../sale-event.ts';

/** Something that a person who sells should know of at once. */
export interface Alert {
  /** The same for the same cause, over restarts: it is sent once. */
  readonly cause: string;
  readonly alert:
    | 'question-opened'
    | 'question-answered'
    | 'bond-in-danger'
    | 'low-funds'
    | 'keys-refused'
    | 'not-servable'
    | 'storage-silent'
    | 'chain-silent';
  readonly severity: 'info' | 'warning' | 'critical';
  readonly agreement: AgreementId | null;
  readonly text: string;
}

/** A consumer may write thousands of messages that are refused. */
const ONCE = 'This alert comes once for each agreement; the log and /metrics count the rest.';

/** What is told of an event, if anything. */
export function alertOf(event: SaleEvent): Alert | null {
  const { agreement } = event;
  switch (event.event) {
    case 'challenged': {
      const what =
        event.asks === 'chunk'
          ? `The consumer challenges block ${event.block}`
          : `The consumer demands the key of block ${event.block}`;
      return {
        ...{
          cause: openedCause(event.agreement, event.number),
          alert: 'question-opened',
          severity: 'warning',
          agreement,
        },
        text: `${what}; ${event.secondsLeft} s are left to answer. The agent answers by itself.`,
      };
    }
    case 'answered':
      return {
        ...{ ...answeredAlert(event.agreement, event.number), agreement },
        text: `Answered for block ${event.block} by transaction ${event.txHash}.`,
      };
    case 'unanswered':
      return {
        ...{
          cause: `unanswered ${agreement} ${event.number}`,
          alert: 'bond-in-danger',
          severity: 'critical',
          agreement,
        },
        text: `The agent has not answered for block ${event.block}. In ${event.secondsLeft} s the bond is lost: ${event.reason}`,
      };
    case 'request':
      if (event.refused === 0) return null;
      return {
        ...{ cause: `refused ${agreement}`, alert: 'keys-refused', severity: 'info', agreement },
        text: `The agent refused keys of ${counted(event.refused, 'block')}, because the consumer has not paid for them. ${ONCE}`,
      };
    case 'message-refused':
      return {
        ...{ cause: `message ${agreement}`, alert: 'keys-refused', severity: 'info', agreement },
        text: `The agent refused message ${event.sequence} from the consumer: ${event.reason} ${ONCE}`,
      };
    case 'not-servable':
      return {
        ...{ cause: `not-servable ${agreement}`, alert: 'not-servable', severity: 'critical', agreement },
        text: `The agent cannot serve this sale, so the bond is in danger: ${event.reason}`,
      };
    default:
      return null;
  }
}

/** What is told of a question that the chain shows as answered, when nobody saw by which transaction. */
export function foundAnswered(agreement: AgreementId, number: number): Alert {
  return { ...answeredAlert(agreement, number), agreement, text: `Question ${number} is answered on the chain.` };
}

/** By what an alert about the opening of a question is known. */
export function openedCause(agreement: AgreementId, number: number): string {
  return `question ${agreement} ${number}`;
}

function answeredAlert(agreement: AgreementId, number: number) {
  return { cause: `answered ${agreement} ${number}`, alert: 'question-answered', severity: 'info' } as const;
}
