import type { PageState } from '../store.ts';
import { ago, count, short, span, utc } from '../words.ts';
import { Tile, Waiting } from './overview.tsx';

/** The rounds of the anchorer, by the chain alone. */
export function RoundsView({ page }: { readonly page: PageState }) {
  const { rounds } = page;
  if (rounds === null) return <Waiting title="Rounds" page={page} />;
  const { anchorer, count: all, isLate } = rounds;
  const [newest] = rounds.rounds;
  return (
    <>
      <h1 tabIndex={-1}>Rounds</h1>
      <p>
        A round is one entry on the chain for the newest state of many devices. Each holds all the rounds before it.
      </p>
      {anchorer === null ? (
        <p>This server names no account that writes rounds.</p>
      ) : (
        <>
          <dl class="tiles">
            <Tile name="Rounds" value={count(all)} />
            <Tile
              name="Newest"
              value={newest === undefined ? 'none yet' : ago(newest.timeMs, Date.now())}
              tone={isLate ? 'doubt' : ''}
            />
            <Tile name="Written by" value={short(anchorer)} />
          </dl>
          {isLate ? (
            <p class="doubt">? The newest round is older than expected. If nothing new was stored, this is fine.</p>
          ) : null}
        </>
      )}
      {rounds.rounds.length === 0 ? null : (
        <div class="scroll">
          <table class="folds">
            <caption class="heard">Rounds, the newest first</caption>
            <thead>
              <tr>
                <th scope="col">Round</th>
                <th scope="col">Time</th>
                <th scope="col">After the one before</th>
                <th scope="col">Chain block</th>
                <th scope="col">Transaction</th>
                <th scope="col">Final</th>
              </tr>
            </thead>
            <tbody>
              {rounds.rounds.map((round, i) => {
                const before = rounds.rounds[i + 1];
                return (
                  <tr key={round.txHash}>
                    <th scope="row" data-name="Round">
                      {count(round.number)}
                    </th>
                    <td data-name="Time">{utc(round.timeMs)}</td>
                    <td data-name="After the one before">
                      {before === undefined ? '' : span(round.timeMs - before.timeMs)}
                    </td>
                    <td data-name="Chain block">{count(round.blockNumber)}</td>
                    <td data-name="Transaction">
                      <code title={round.txHash}>{short(round.txHash)}</code>
                    </td>
                    <td data-name="Final">{round.isFinal ? '✓ final' : 'not yet'}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
