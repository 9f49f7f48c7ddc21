import type { Command } from 'commander';
import { noteTransaction } from '../../client/consumer/note-transaction.ts';
import { openPurchase, type Purchase } from '../../client/consumer/open-purchase.ts';
import { highestDue } from '../../client/consumer/pay-ahead.ts';
import { readShownKeys } from '../../client/consumer/read-shown-keys.ts';
import { paidBlocks } from '../../core/agreement/quota.ts';
import { signVoucher } from '../../core/agreement/voucher.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { counted } from '../../core/counted.ts';
import { ArgumentError } from '../../core/errors.ts';
import { type BlockIndex, NATIVE_COIN } from '../../core/ids.ts';
import type { OpenQuestion } from '../../core/ports/agreements.ts';
import type { OpenedPurchase } from '../../library/opened-consumer.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { parseRanges } from '../parse-arguments.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { openQuestion } from './ask-on-chain.ts';
import { awaitAnswer, unansweredText } from './await-answer.ts';
import { openConsumerPurchase } from './consumer-home.ts';

interface DemandOptions {
  readonly blocks: readonly { readonly from: number; readonly to: number }[];
  readonly wait?: boolean;
  readonly json?: boolean;
}

/** What has become of the demand of one key. */
interface Demanded {
  readonly block: BlockIndex;
  readonly outcome: 'answered' | 'open' | 'unanswered';
  /** Null where the key was on the chain before. */
  readonly demand: OpenQuestion | null;
}

/** Adds `plumb consumer demand`. */
export function addConsumerDemand(consumer: Command): void {
  const command = consumer
    .command('demand')
    .description('Demand that the owner show the content keys of paid blocks on the chain or lose the bond.')
    .argument('<agreement>', 'id of an accepted agreement about an encrypted dataset')
    .requiredOption('--blocks <ranges>', 'numbers of blocks that you have signed for, such as 17 or 3,7-9', parseRanges)
    .option('--wait', 'wait until the key is shown or the deadline passes (always on for several blocks)')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((id: string, options: DemandOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const opened = await openConsumerPurchase(context, id);
      const { consumer, purchase } = opened;
      const blocks = requirePaid(opened, options.blocks);
      const shown = await readShownKeys(consumer.market, purchase.id, consumer.connection.fromBlock, signal);
      const asked = blocks.filter((block) => !shown.has(block));
      requireDemandsLeft(purchase, asked);
      if (asked.length > 0) output.notice(PUBLIC);
      const demanded: Demanded[] = blocks
        .filter((block) => shown.has(block))
        .map((block) => ({ block, outcome: 'answered', demand: null }));
      for (const block of asked) {
        // Those before have changed it.
        const newest = await openPurchase(consumer.market, purchase.id, 'latest', signal);
        const waits = options.wait === true || asked.length > 1;
        demanded.push(await demandOne(context, { ...opened, purchase: newest }, block, waits));
        if (demanded.at(-1)?.outcome === 'unanswered') break;
      }
      return report(context, opened, demanded);
    }),
  );
}

const PUBLIC =
  'A key shown on the chain is public: whoever has the bytes of that block can then read it. Of the bytes, only the chunks that you challenge become public.';

/** Asks for one key, and waits for it where it shall. */
async function demandOne(
  { output, signal }: CommandContext,
  opened: OpenedPurchase,
  block: BlockIndex,
  waits: boolean,
): Promise<Demanded> {
  const { consumer, purchase, store } = opened;
  const open = await openQuestion(opened, { asks: 'key', block }, signal, async () => {
    await claimOwn(opened, block, signal);
    // The base fee may rise until it is mined; what is too much is the consumer's credit.
    const valueWei = 2n * (await consumer.market.readDemandStakeWei(signal));
    await noteTransaction(store, 'demand', await consumer.party.demandKey(purchase.id, { block, valueWei }, signal));
  });
  if (open === null) return { block, outcome: 'answered', demand: null };
  if (!waits) return { block, outcome: 'open', demand: open };
  output.progress(askedText(block, open));
  const { question, state } = await awaitAnswer(consumer.market, purchase.id, purchase.terms.windowSeconds, signal);
  const isAnswered = question === null && state !== 'breached';
  return { block, outcome: isAnswered ? 'answered' : 'unanswered', demand: open };
}

async function report(
  { output, signal }: CommandContext,
  { consumer, purchase, store }: OpenedPurchase,
  demanded: readonly Demanded[],
): Promise<number> {
  const { id, terms } = purchase;
  const { state } = await openPurchase(consumer.market, id, 'latest', signal);
  const last = demanded.find(({ outcome }) => outcome !== 'answered') ?? demanded.at(-1);
  const outcome = last?.outcome ?? 'answered';
  const lines = demanded.map(({ block, outcome, demand }) => {
    if (outcome === 'answered') return `The content key of block ${block} is on the chain and matches the log.`;
    if (outcome === 'open') return `${askedText(block, demand)}\nThen: plumb consumer lapse ${id}`;
    return `The owner did not show the content key of block ${block} by ${showSeconds(demand?.deadlineSeconds ?? 0)}.\n${unansweredText(id, terms.windowSeconds)}`;
  });
  if (outcome === 'answered') {
    lines.push(
      store.state.verified < terms.count
        ? `Next: plumb consumer fetch ${id} --out FOLDER   (decrypts the blocks with these keys)`
        : `Every block is here. Next: plumb consumer approve ${id}`,
    );
  }
  output.result({ agreement: id, outcome, state, demands: demanded }, lines.join('\n'));
  return outcome === 'unanswered' ? EXIT.notIntact : EXIT.ok;
}

function askedText(block: BlockIndex, open: OpenQuestion | null): string {
  const stake = open === null ? '' : `, with ${showAmount(open.stakeWei, NATIVE_COIN)} towards the gas of the answer`;
  const until = open === null ? '' : ` The owner may show it until ${showSeconds(open.deadlineSeconds)}.`;
  return `You demanded the content key of block ${block}${stake}.${until}`;
}

const EXAMPLES = `
For blocks that you have signed for, if their keys did not arrive or do not match the log. If the chain does not know your voucher
yet, the command claims it first. Each stake pays for the gas of the answer; without an answer you get it back, and the bond
(plumb consumer lapse, then plumb consumer breach). A key on the chain is public; the bytes of its block are not. The command does not
demand keys again that are already shown. Only one question can be open at a time, so it demands several keys one after the other.

Examples:
  plumb consumer demand 0x… --blocks 17 --wait
  plumb consumer demand 0x… --blocks 3,7-9
Exit codes: 0 demanded, or with --wait: shown; 1 not shown in time.`;

/** @throws ArgumentError where nobody owes a content key of one of these blocks */
function requirePaid({ purchase, store }: OpenedPurchase, ranges: DemandOptions['blocks']): BlockIndex[] {
  const { id, kind, terms } = purchase;
  if (kind !== ENCRYPTED)
    throw new ArgumentError(`The blocks of agreement ${id} are not encrypted, so they have no keys.`);
  const end = terms.first + paidBlocks(terms, highestDue(purchase, store));
  for (const { from, to } of ranges) {
    const unpaid = from < terms.first ? from : to >= end ? Math.max(from, end) : null;
    if (unpaid === null) continue;
    throw new ArgumentError(
      `You have not signed for ${end === terms.first ? 'any block yet' : `block ${unpaid}, only for ${terms.first} to ${end - 1}`}. The owner owes keys only for blocks that you have signed for.`,
    );
  }
  const wanted = new Set<BlockIndex>();
  for (const { from, to } of ranges) {
    for (let block = from; block <= to && wanted.size <= terms.maxDemands; block++) wanted.add(block);
  }
  return [...wanted];
}

/** @throws ArgumentError before anything is sent, where the terms do not allow so many */
function requireDemandsLeft({ terms, demands, question }: Purchase, asked: readonly BlockIndex[]): void {
  const left = terms.maxDemands - demands;
  const more = asked.filter((block) => question?.asks !== 'key' || question.block !== block).length;
  if (more <= left) return;
  throw new ArgumentError(
    `You asked for ${more > terms.maxDemands ? `more than ${counted(terms.maxDemands, 'key')}` : counted(more, 'key')}; this agreement leaves ${left} of ${counted(terms.maxDemands, 'demand')}. Demand the most important ones.`,
  );
}

/** OCASC has to know that the block is paid for: anyone may bring the voucher, its signer too. */
async function claimOwn({ consumer, purchase, keys, store }: OpenedPurchase, block: BlockIndex, signal: AbortSignal) {
  const { id, terms } = purchase;
  if (block < terms.first + paidBlocks(terms, purchase.due)) return;
  const { due } = store.state;
  const signature = signVoucher(consumer.market.domain, { agreement: id, due }, keys.signerKey);
  await noteTransaction(store, 'claim', await consumer.party.claim(id, due, signature, signal));
}
