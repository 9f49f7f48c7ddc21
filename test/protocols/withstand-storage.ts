import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SealedMessage } from '../../core/agreement/message.ts';
import { decodeMessagePage, encodeMessagePage } from '../../core/wire/messages.ts';
import { all, type ConsumerScene, except, isAnswerPath } from './consumer-scene.ts';
import { changed, changeRecord, lie, substitute } from './lies.ts';
import type { Answered, Asked, Fate, LyingProxy } from './lying-proxy.ts';
import { damage, exchange, flipBit } from './recorded-stack.ts';
import { audit, buy, makeSeller, openChannel, settle } from './sale-on-stack.ts';

/** What storage and mailbox may do to a consumer: the same for Protocols III and IV. */
export function withstandStorage(scene: () => ConsumerScene): void {
  describe('storage that does not keep or say what was recorded', () => {
    it('a tampered block is corrupted, and no other', async () => {
      const { protocol, stack, seller, bought } = scene();
      const undo = await damage(stack, seller.of, (block) => flipBit(block(2)));
      const { kinds, verdicts } = await audit(stack, bought, { protocol });
      await undo();
      assert.deepEqual(kinds, except([2, 'corrupted']));
      assert.equal(verdicts[2]?.blame, null);
    });

    it('two swapped blocks, of the same size, are corrupted, and no other', async () => {
      const { protocol, stack, seller, bought } = scene();
      const undo = await damage(stack, seller.of, (block) => exchange(block(1), block(9)));
      const { kinds } = await audit(stack, bought, { protocol });
      await undo();
      assert.deepEqual(kinds, except([1, 'corrupted'], [9, 'corrupted']));
    });

    it('a lie in an answer is seen at the block it is about', async () => {
      const { protocol, stack, proxy, bought } = scene();
      proxy.reset();
      proxy.rule = ({ path }) => lie(path);
      const { kinds } = await audit(stack, bought, { protocol, proxy });
      proxy.reset();
      assert.deepEqual(kinds, except([3, 'corrupted']));
    });

    it('another block’s answer, true in itself, does not stand in', async () => {
      const { protocol, stack, proxy, bought } = scene();
      const answers = new Map<string, Answered>();
      proxy.reset();
      proxy.rule = () => (answer, asked) => {
        answers.set(asked.path, answer);
        return answer;
      };
      assert.deepEqual((await audit(stack, bought, { protocol, proxy })).kinds, all('intact'));
      proxy.rule = ({ path }) => substitute(path, answers);
      const { kinds } = await audit(stack, bought, { protocol, proxy });
      proxy.reset();
      assert.deepEqual(kinds, except([3, 'corrupted']));
    });

    it('a record that leads elsewhere costs its block the verdict, and not the others', async () => {
      const { protocol, stack, proxy, bought } = scene();
      proxy.reset();
      proxy.rule = ({ path }) => (path.endsWith('/records') ? changeRecord : 'pass');
      const { kinds } = await audit(stack, bought, { protocol, proxy });
      proxy.reset();
      assert.deepEqual(kinds, except([5, 'corrupted']));
    });

    for (const fate of ['hang', 'stall', 'cut'] as const) {
      it(`an answer that ${WORDS[fate]} is unavailable in time, and withholds the confidence`, async () => {
        const { protocol, stack, proxy, bought } = scene();
        proxy.reset();
        proxy.rule = ({ path }) => (isAnswerPath(path) ? fate : 'pass');
        const startMs = performance.now();
        const { kinds, report } = await audit(stack, bought, { protocol, proxy, timeoutMs: 1_200 });
        proxy.reset();
        assert.deepEqual(kinds, all('unavailable'));
        assert.equal(report.assurance.confidence, null);
        assert.ok(performance.now() - startMs < 20_000, 'a verdict in time');
      });
    }
  });

  describe('a mailbox that does not keep to its duty', () => {
    const listing =
      (change: (messages: readonly SealedMessage[]) => readonly SealedMessage[]) =>
      (asked: Asked): Fate =>
        isListing(asked) ? (answer) => changePage(answer, change) : 'pass';

    it('messages reordered and repeated give the same keys', async () => {
      const { protocol, stack, proxy, bought } = scene();
      proxy.reset();
      proxy.rule = listing((messages) => [...messages, ...messages].reverse());
      const { kinds, distrusted } = await audit(stack, bought, { protocol, proxy });
      proxy.reset();
      assert.deepEqual(kinds, all('intact'));
      assert.ok(
        distrusted.length > 0 && distrusted.every((reason) => /repeated or late/.test(reason)),
        `${distrusted}`,
      );
    });

    it('messages forged, renumbered or of another sale are not believed, and are read when they come as they were', async () => {
      const { protocol, stack, proxy, seller } = scene();
      const [bought, another] = [await buy(stack, await seller.offer()), await buy(stack, await seller.offer())];
      let theirs: readonly SealedMessage[] = [];
      proxy.reset();
      proxy.rule = listing((messages) => {
        if (messages.length > 0) theirs = messages;
        return messages;
      });
      assert.deepEqual((await audit(stack, another, { protocol, proxy })).kinds, all('intact'));
      proxy.rule = listing((messages) => [
        ...messages.map((message) => ({ ...message, ciphertext: changed(message.ciphertext) })),
        ...messages.map((message) => ({ ...message, sequence: message.sequence + 5 })),
        ...theirs,
      ]);
      const { kinds, distrusted } = await audit(stack, bought, { protocol, proxy, patienceMs: 1_500 });
      assert.deepEqual(kinds, all('unavailable'));
      assert.ok(distrusted.length >= 3, distrusted.join('\n'));
      proxy.reset();
      assert.deepEqual((await audit(stack, bought, { protocol })).kinds, all('intact'));
      await Promise.all([settle(bought), settle(another)]);
    });

    it('an owner who is shown forged, repeated and late messages answers each of the consumer’s once', async () => {
      const { protocol, stack, proxy, seller } = scene();
      const shy = await makeSeller(stack, seller.of);
      proxy.reset();
      let first: SealedMessage | null = null;
      proxy.rule = listing((messages) => {
        first ??= messages[0] ?? null;
        const forged = messages.map((one) => ({ ...one, sequence: one.sequence + 1 }));
        return [...forged, ...messages, ...(first === null ? [] : [first])];
      });
      const stop = shy.serve(proxy);
      try {
        const bought = await buy(stack, await shy.offer({ samples: 3 }));
        for (const sample of [1, 2]) {
          const { kinds } = await audit(stack, bought, { protocol, sample });
          assert.ok(
            kinds.every((kind) => kind === 'intact' || kind === 'refused'),
            `${kinds}`,
          );
        }
        for (const reason of [/claims to be from/, /repeated or late/]) {
          await shy.event('message-refused', bought.id, (said) => 'reason' in said && reason.test(said.reason));
        }
        // Two requests, two answers: by now every look into the mailbox has shown the first request again.
        const { service } = openChannel(stack, bought);
        const { messages } = await service.listMessages(bought.id, { from: shy.agent });
        assert.equal(messages.length, 2);
      } finally {
        await stop();
        proxy.reset();
      }
    });
  });
}

const WORDS = { hang: 'never comes', stall: 'stops in the middle', cut: 'breaks off' } as const;

function isListing({ method, path }: Pick<LyingProxy['seen'][number], 'method' | 'path'>): boolean {
  return method === 'GET' && path.includes('/messages');
}

function changePage(
  answer: Answered,
  change: (messages: readonly SealedMessage[]) => readonly SealedMessage[],
): Answered {
  const { messages, next } = decodeMessagePage(`0x${'00'.repeat(32)}` as never, answer.body);
  return { ...answer, body: encodeMessagePage({ messages: change(messages), next }) };
}
