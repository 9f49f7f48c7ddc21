import { type Books, sayBooks } from '../books.ts';
import type { StepLog } from '../step-log.ts';
import { BROKEN_SALE } from './broken-promise.ts';
import { HONEST_SALE } from './honest-sale.ts';

/** What each owner prepays for recording, in ether. */
export const FUEL = '0.01';

/** Every wei of both sales: the parties' and the contracts' balances before and after, gas set aside. */
export async function settleBooks(log: StepLog, books: Books): Promise<void> {
  log.act('The books: balances before and after, to the wei, without gas');
  const [price, fee, bond, fuel] = [HONEST_SALE.price, BROKEN_SALE.fee, BROKEN_SALE.bond, FUEL].map(inWei) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const expected = {
    owner: price - fuel,
    'second owner': fee - bond - fuel,
    consumer: -price - fee + bond,
    agent: 0n,
    'second agent': 0n,
    storage: 0n,
    OCASC: 0n,
    // Of it the storage may take what recording has earned; the rest goes back when the grants end.
    ASC: 2n * fuel,
  };
  await log.step('what moved is what was agreed', sayBooks(expected), async () => {
    const changes = await books.close();
    return sayBooks(Object.fromEntries(Object.keys(expected).map((name) => [name, changes[name] ?? 0n])));
  });
}

function inWei(ether: string): bigint {
  const [whole = '0', fraction = ''] = ether.split('.');
  return BigInt(whole) * 10n ** 18n + BigInt(fraction.padEnd(18, '0'));
}
