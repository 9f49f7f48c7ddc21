import type { AgreementRow } from '../../engine/questions.ts';
import { hashOf } from '../route.ts';
import type { PageState } from '../store.ts';
import { amount, count, named, short, utc } from '../words.ts';
import { Line } from './line.tsx';
import { Waiting } from './overview.tsx';

type State = AgreementRow['state'];

/** Where the money is in each state, and what may come next. */
const STATES: Readonly<Record<State, { readonly title: string; readonly money: string; readonly tone: string }>> = {
  offered: { title: 'Offered', money: "The owner's bond is locked. Nobody has paid.", tone: '' },
  cancelled: { title: 'Cancelled', money: 'The bond went back to the owner.', tone: 'faint' },
  active: {
    title: 'Active',
    money: 'Price and bond are locked. The owner earns as blocks are delivered.',
    tone: 'good',
  },
  challenged: { title: 'Challenged', money: 'Price and bond are locked until the owner answers.', tone: 'doubt' },
  lapsed: {
    title: 'Lapsed',
    money: 'No answer in time. The owner loses the bond unless an answer comes within the grace period.',
    tone: 'bad',
  },
  breached: { title: 'Breached', money: 'The consumer got the unpaid price and the bond.', tone: 'bad' },
  closed: {
    title: 'Closed',
    money: 'The owner got what was earned, and the bond. The consumer got the rest.',
    tone: 'faint',
  },
};

/** The way of an agreement without trouble. */
const WAY: readonly State[] = ['offered', 'active', 'closed'];

/** Offers and agreements, with the money's states. */
export function AgreementsView({ page }: { readonly page: PageState }) {
  const { agreements, overview, place } = page;
  if (agreements === null) return <Waiting title="Offers and agreements" page={page} />;
  return (
    <>
      <h1 tabIndex={-1}>Offers and agreements</h1>
      <p>
        An owner offers blocks at a price and locks a bond. A consumer accepts and locks the price. The contract pays
        for what was delivered.
      </p>
      {place?.hasAgreements === false ? <p>This server names no contract for agreements.</p> : null}
      {place?.hasAgreements !== false && agreements.length === 0 ? <p>There is no offer yet.</p> : null}
      <ul class="cards">
        {agreements.map((one) => (
          <li key={one.id}>
            <Card agreement={one} name={overview?.rows.find(({ dataset }) => dataset === one.dataset)?.name ?? null} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** What is cancelled was never active; other trouble begins there. */
function wayTo(state: State): readonly State[] {
  if (state === 'cancelled') return ['offered', 'cancelled'];
  return WAY.includes(state) ? WAY : WAY.map((one) => (one === 'closed' ? state : one));
}

function Card({ agreement, name }: { readonly agreement: AgreementRow; readonly name: string | null }) {
  const { id, state, dataset, first, count: blocks, consumer, price, bond, fee, due, isCoin, question } = agreement;
  const { title, money, tone } = STATES[state];
  const way = wayTo(state);
  return (
    <article aria-label={`Agreement ${short(id)}`}>
      <h2>
        <span class={tone}>{title}</span> <code title={id}>{short(id)}</code>
      </h2>
      <ol class="way" aria-label="States">
        {way.map((one) => (
          <li key={one} aria-current={one === state ? 'step' : undefined}>
            {STATES[one].title}
          </li>
        ))}
      </ol>
      <p>{money}</p>
      {state === 'cancelled' || state === 'offered' ? null : <Money price={price} due={due} isCoin={isCoin} />}
      <dl class="facts-list">
        <Line name="Blocks">
          <a href={hashOf({ view: 'dataset', dataset })}>
            {count(first)} to {count(first + blocks - 1)} of {named(name, dataset)}
          </a>
        </Line>
        <Line name="Price">{amount(price, isCoin)}</Line>
        <Line name="Fee in the price">{amount(fee, isCoin)}</Line>
        <Line name="Bond">{amount(bond, isCoin)}</Line>
        <Line name="Consumer">
          {consumer !== null
            ? short(consumer)
            : state === 'offered'
              ? `nobody yet; open until ${utc(agreement.acceptByMs)}`
              : 'nobody'}
        </Line>
        {agreement.endMs === null ? null : <Line name="Ends">{utc(agreement.endMs)}</Line>}
      </dl>
      {question === null ? null : (
        <p class="doubt">
          ? {question.asks === 'chunk' ? 'Challenged for' : 'The consumer demands the key of'} block{' '}
          {count(question.block)}. The owner must answer by {utc(question.deadlineMs)}.
        </p>
      )}
    </article>
  );
}

/** How much of the price is the owner's already. */
function Money({ price, due, isCoin }: { readonly price: string; readonly due: string; readonly isCoin: boolean }) {
  const share = BigInt(price) === 0n ? 0 : Number((BigInt(due) * 1000n) / BigInt(price)) / 10;
  return (
    <p class="money">
      <meter min={0} max={100} value={share} aria-label={`Earned by the owner: ${share} % of the price`} />
      <span>
        {amount(due, isCoin)} of {amount(price, isCoin)} earned by the owner
      </span>
    </p>
  );
}
