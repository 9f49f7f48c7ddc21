import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import type { AuditReport, OnVerdicts } from '../../client/audit-blocks.ts';
import { LedgerUnavailableError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetKey, PrivateKey } from '../../core/ids.ts';
import type { Ledger, LinkReader } from '../../core/ports/ledger.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import type { Verdict } from '../../core/verdict.ts';
import { admitToStack } from '../../local/admit-to-stack.ts';
import { all, except, isAnswerPath } from './consumer-scene.ts';
import { changeRecord, lie, sendAgain, substitute } from './lies.ts';
import { type Answered, type LyingProxy, startLyingProxy } from './lying-proxy.ts';
import {
  accountFrom,
  damage,
  exchange,
  flipBit,
  newKey,
  type RecordedStack,
  type StackDataset,
  startRecordedStack,
} from './recorded-stack.ts';

type Service = ReturnType<RecordedStack['clientOf']>;

/** A stack on which an owner verifies a dataset of twelve blocks. */
export interface OwnerScene {
  readonly stack: RecordedStack;
  /** Before the service. */
  readonly proxy: LyingProxy;
  readonly of: StackDataset;
  /** Another owner that the service stores for. */
  readonly other: Pick<StackDataset, 'ownerKey' | 'datasetKey'>;
  /** The protocol, over all blocks. */
  verify(service: Service, ledger: Ledger & LinkReader, key: DatasetKey, onVerdicts: OnVerdicts): Promise<AuditReport>;
  /** What the protocol asks the storage of one block. */
  ask(service: Service): Promise<unknown>;
}

/** All of a scene but the protocol. */
export async function setOwnerScene(): Promise<Omit<OwnerScene, 'verify' | 'ask'>> {
  const stack = await startRecordedStack(1);
  try {
    const proxy = await startLyingProxy(stack.apiUrl);
    stack.ending(() => proxy.close());
    const other = { ownerKey: newKey(), datasetKey: newKey() as Uint8Array as DatasetKey };
    await admitToStack(stack.file, accountOfKey(other.ownerKey), 2 ** 30);
    return { stack, proxy, of: stack.datasets[0] as StackDataset, other };
  } catch (error) {
    await stack.close();
    throw error;
  }
}

/** One run of the protocol. */
export async function verifyAll(
  { stack, proxy, of, verify }: OwnerScene,
  change: {
    readonly direct?: boolean;
    readonly datasetKey?: DatasetKey;
    readonly timeoutMs?: number;
    readonly ledger?: Ledger & LinkReader;
  } = {},
) {
  const { timeoutMs, datasetKey = of.datasetKey, ledger = stack.ledger } = change;
  const service = stack.clientOf(of.ownerKey, {
    ...(change.direct === true ? {} : { transport: proxy.transport }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const verdicts: Verdict[] = [];
  const report = await verify(service, ledger, datasetKey, (some) => verdicts.push(...some));
  return { report, verdicts, kinds: verdicts.map(({ verdict }) => verdict) };
}

/**
 * What a storage or a stranger may do: the same for Protocols I and II. (Keys, agreements and vouchers are nobody's but the
 * owner's here: what may happen to them is in the files of III and IV.)
 */
export function withstandAsOwner(scene: () => OwnerScene): void {
  describe('storage that does not keep or say what was recorded', () => {
    it('a tampered block is corrupted, and no other', async () => {
      const { stack, of } = scene();
      const undo = await damage(stack, of, (block) => flipBit(block(2)));
      const { kinds, verdicts } = await verifyAll(scene(), { direct: true });
      await undo();
      assert.deepEqual([kinds, verdicts[2]?.blame], [except([2, 'corrupted']), null]);
    });

    it('two swapped blocks, of the same size, are corrupted, and no other', async () => {
      const { stack, of } = scene();
      const undo = await damage(stack, of, (block) => exchange(block(1), block(9)));
      const { kinds } = await verifyAll(scene(), { direct: true });
      await undo();
      assert.deepEqual(kinds, except([1, 'corrupted'], [9, 'corrupted']));
    });

    it('a lie in an answer is seen at the block it is about', async () => {
      const { proxy } = scene();
      proxy.reset();
      proxy.rule = ({ path }) => lie(path);
      const { kinds } = await verifyAll(scene());
      proxy.reset();
      assert.deepEqual(kinds, except([3, 'corrupted']));
    });

    it('another block’s answer, true in itself, does not stand in', async () => {
      const { proxy } = scene();
      const answers = new Map<string, Answered>();
      proxy.reset();
      proxy.rule = () => (answer, asked) => {
        answers.set(asked.path, answer);
        return answer;
      };
      assert.deepEqual((await verifyAll(scene())).kinds, all('intact'));
      proxy.rule = ({ path }) => substitute(path, answers);
      const { kinds } = await verifyAll(scene());
      proxy.reset();
      assert.deepEqual(kinds, except([3, 'corrupted']));
    });

    it('a record that leads elsewhere costs its block the verdict, and not the others', async () => {
      const { proxy } = scene();
      proxy.reset();
      proxy.rule = ({ path }) => (path.endsWith('/records') ? changeRecord : 'pass');
      const { kinds } = await verifyAll(scene());
      proxy.reset();
      assert.deepEqual(kinds, except([5, 'corrupted']));
    });

    for (const [fate, words] of [
      ['hang', 'never comes'],
      ['stall', 'stops in the middle'],
      ['cut', 'breaks off'],
    ] as const) {
      it(`an answer that ${words} is unavailable in time, and withholds the confidence`, async () => {
        const { proxy } = scene();
        proxy.reset();
        proxy.rule = ({ path }) => (isAnswerPath(path) ? fate : 'pass');
        const startMs = performance.now();
        const { kinds, report } = await verifyAll(scene(), { timeoutMs: 1_200 });
        proxy.reset();
        assert.deepEqual([kinds, report.assurance.confidence], [all('unavailable'), null]);
        assert.ok(performance.now() - startMs < 20_000, 'a verdict in time');
      });
    }

    it('records that never come are unavailable in time', async () => {
      const { proxy } = scene();
      proxy.reset();
      proxy.rule = ({ path }) => (path.endsWith('/records') ? 'hang' : 'pass');
      const { kinds } = await verifyAll(scene(), { timeoutMs: 1_200 });
      proxy.reset();
      assert.deepEqual(kinds, all('unavailable'));
    });
  });

  describe('who has no right, and who has the wrong key', () => {
    it('a wrong key finds nothing intact', async () => {
      const { datasetKey } = scene().other;
      const { kinds, verdicts } = await verifyAll(scene(), { direct: true, datasetKey });
      assert.deepEqual(kinds, all('unavailable'));
      assert.ok(verdicts.every(({ blame }) => blame === null));
    });

    it('a replayed request: the very same signed bytes again are answered with nothing', async () => {
      const { stack, proxy, of, ask } = scene();
      proxy.reset();
      await ask(stack.clientOf(of.ownerKey, { transport: proxy.transport }));
      const asked = proxy.seen.find(({ path }) => isAnswerPath(path))!;
      assert.equal(asked.answer?.status, 200);
      const replayed = await sendAgain(proxy, stack.apiUrl, asked);
      assert.equal(replayed.status, 401);
      assert.match(Buffer.from(replayed.body).toString(), /problems\/signature/);
    });

    it('a forged identity: a stranger, another owner, and who signs with another key', async () => {
      const { stack, of, other, ask } = scene();
      const refusal = (type: string) => (error: unknown) => error instanceof RequestRefusedError && error.type === type;
      for (const by of [newKey(), other.ownerKey] as PrivateKey[]) {
        await assert.rejects(ask(stack.clientOf(by)), refusal('/problems/forbidden'));
      }
      const account = { ...accountFrom(newKey()), address: of.owner };
      await assert.rejects(ask(stack.clientOf(newKey(), { account })), refusal('/problems/signature'));
    });

    it('a chain that cannot be read: nobody is let in, and nothing is called intact', async () => {
      const { stack, of, ask } = scene();
      const rpc = await startLyingProxy(stack.chain.rpcUrl);
      stack.ending(() => rpc.close());
      let aheadMs = 0;
      const nowMs = () => Date.now() + aheadMs;
      const apiUrl = await stack.anotherHost({ rpcUrl: rpc.url, nowMs });
      const service = stack.clientOf(of.ownerKey, { apiUrl, runtime: { ...nodeRuntime, nowMs } });
      rpc.rule = () => 'cut';
      await assert.rejects(ask(service), StoreUnavailableError);
      rpc.rule = () => 'pass';
      await ask(service);
      const ledger = createDisscLedger({ ...stack.chain, rpcUrl: rpc.url, timeoutMs: 1_500 });
      for (const fate of ['cut', 'hang'] as const) {
        rpc.rule = () => fate;
        aheadMs += 15_000;
        await assert.rejects(ask(service), StoreUnavailableError);
        // The owner's own look at the chain, too: without DISSC there is no verdict.
        await assert.rejects(verifyAll(scene(), { direct: true, ledger }), LedgerUnavailableError);
      }
    });
  });
}
