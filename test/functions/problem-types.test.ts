import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { Wallet } from 'ethers';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createRequestSigner } from '../../adapters/http-signature/sign-request.ts';
import { signMessage } from '../../core/agreement/message.ts';
import { to0x } from '../../core/bytes.ts';
import { signCharter } from '../../core/charter/charter.ts';
import { charterToWire } from '../../core/charter/wire-charter.ts';
import type { PrivateKey, RoundRoot } from '../../core/ids.ts';
import { signRequest } from '../../core/market/buying-request.ts';
import { signDescription } from '../../core/market/description.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { problemDocument } from '../../core/wire/requests.ts';
import { describeErrors } from '../../dev/errors/describe-errors.ts';
import { PROBLEMS, type ProblemType } from '../../functions/answer/problem.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import { finalSk, knownSk, roundsPk, THINNED_SK } from '../../functions/rounds/round-items.ts';
import { keepCharter } from '../../functions/state/dataset-entry.ts';
import { type RunningHost, startHost } from '../../local/host/start-host.ts';
import { openTestDataset } from './log-fixture.ts';
import { SAYS_LITTLE, WISHES_LITTLE } from './market-texts.ts';
import { type Market, makeSale, type Sale, startMarket } from './start-sale.ts';
import { blocks, DOMAIN, key, putObject, TestDevice } from './start-service.ts';

interface Ask {
  readonly on?: RunningHost;
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly by?: PrivateKey;
  readonly body?: unknown;
  /** By which the caller's clock is wrong. */
  readonly lateMs?: number;
}

let market: Market;
let sale: Sale;
let host: RunningHost;
let device: TestDevice;
const hosts: RunningHost[] = [];

/** All functions as they run everywhere, behind HTTP, on these ports. */
async function hostOf(change: Partial<ServicePorts> = {}): Promise<RunningHost> {
  const { ports, contracts, css } = market;
  const recorder = createDisscRecorder({ ...contracts, signer: css });
  const options = { lambda: null, anchorEveryMs: 10 ** 9 };
  const started = await startHost({ ports: { ...ports, recorder, ...change }, ...options });
  hosts.push(started);
  return started;
}

async function ask({ on = host, method = 'GET', path, by, body, lateMs = 0 }: Ask): Promise<Response> {
  const url = `${on.apiUrl}${path}`;
  const bytes = body === undefined ? {} : { body: new TextEncoder().encode(JSON.stringify(body)) };
  if (by === undefined) return fetch(url, { method, ...bytes });
  const wallet = new Wallet(to0x(by));
  const account = { address: wallet.address, chainId: market.contracts.chainId };
  const signer = createRequestSigner((message) => wallet.signMessage(message), account);
  const nowMs = market.ports.runtime.nowMs() - lateMs;
  const { headers } = await signer.signRequest({ method, url, ...bytes }, { nowMs });
  return fetch(url, { method, headers, ...bytes });
}

const ofDataset = (rest: string, dataset: string = device.dataset): string => `/v1/datasets/${dataset}/${rest}`;
const upload = { first: 0, sha256: `0x${'ab'.repeat(32)}`, sizeBytes: 500 };
const getBlock = ({ dataset, id, signerKey }: Sale, index = 0): Ask => ({
  path: `${ofDataset(`blocks/${index}`, dataset)}?agreement=${id}`,
  by: signerKey,
});
/** On a chain of which the test says what it holds. */
const stated = (): Promise<RunningHost> => hostOf({ ledger: market.stores.ledger });

async function withQuota(quotaBytes: number | null): Promise<Response> {
  const { owners } = market.stores;
  const others = await TestDevice.open(market.stores);
  if (quotaBytes === null) owners.delete(others.owner);
  else owners.set(others.owner, quotaBytes);
  const path = ofDataset('segments', others.dataset);
  return ask({ on: await stated(), method: 'POST', path, by: others.deviceKey, body: upload });
}

async function postTwice(): Promise<Response> {
  const { id, signerKey, agentKey } = sale;
  const [from, to] = [accountOfKey(signerKey), accountOfKey(agentKey)];
  const post = async (fill: number): Promise<Response> => {
    const [enc, ciphertext] = [new Uint8Array(32), new Uint8Array(20).fill(fill)];
    const message = { agreement: id, from, to, sequence: 0, enc, ciphertext };
    const signature = to0x(signMessage(market.domain, message, signerKey));
    const body = { to, sequence: 0, enc: to0x(enc), ciphertext: to0x(ciphertext), signature };
    return ask({ method: 'POST', path: `/v1/agreements/${id}/messages`, by: signerKey, body });
  };
  assert.equal((await post(1)).status, 200);
  return post(2);
}

/** Another description of an offer than the one that is kept. */
async function describeTwice(): Promise<Response> {
  const { id, owner } = await makeSale(market);
  const describe = async (title: string): Promise<Response> => {
    const { text, signature } = signDescription(market.domain, id, { ...SAYS_LITTLE, title }, owner.privateKey);
    const body = { text, signature: to0x(signature) };
    return ask({ method: 'POST', path: `/v1/agreements/${id}/description`, body });
  };
  assert.equal((await describe('Weather')).status, 200);
  return describe('Better weather');
}

/** One request more than an account may have. */
async function requestThrice(): Promise<Response> {
  const accountKey = key();
  const madeAtSeconds = Math.floor(Date.now() / 1000);
  const request = async (topic: string): Promise<Response> => {
    const wish = { ...WISHES_LITTLE, account: accountOfKey(accountKey), topic };
    const times = { madeAtSeconds, untilSeconds: madeAtSeconds + 3600 };
    const { text, signature } = signRequest(market.domain, { ...wish, ...times }, accountKey);
    return ask({ method: 'POST', path: '/v1/requests', body: { text, signature: to0x(signature) } });
  };
  for (const topic of ['rain', 'snow']) assert.equal((await request(topic)).status, 200);
  return request('hail');
}

async function uploadRejected(): Promise<Response> {
  const on = await stated();
  const { stores } = market;
  const { segment } = device.seal(blocks([10]), { stay: true, deviceKey: key() });
  await putObject(stores, segment.key, segment.car);
  assert.equal(await ingestSegment(stores.ports, segment.key), 'rejected');
  const body = { first: 0, sha256: to0x(segment.sha256), sizeBytes: segment.car.length };
  return ask({ on, method: 'POST', path: ofDataset('segments'), by: device.deviceKey, body });
}

/** A second charter of a dataset, which the chain does not have. */
async function showLater(): Promise<Response> {
  const later = { ...device.charter, serial: device.charter.serial + 1 };
  const charter = { ...later, signature: signCharter(DOMAIN, later, device.ownerKey) };
  return ask({ on: await stated(), method: 'POST', path: ofDataset('charter'), body: charterToWire(charter) });
}

/** What an HTTP client would not send. */
async function askWithHeader(sizeBytes: number): Promise<Response> {
  const socket = connect(host.port, '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  socket.end(`GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'y'.repeat(sizeBytes)}\r\n\r\n`);
  await once(socket, 'close');
  const [head = '', body = ''] = Buffer.concat(parts).toString('utf8').split('\r\n\r\n');
  return new Response(body, { status: Number(head.slice(9, 12)) });
}

const breaking = (error: Error): Partial<ServicePorts> => ({
  ledger: market.stores.ledger,
  table: {
    ...market.stores.table,
    query: () => Promise.reject(error),
  },
});

/** For a round of which the pages are gone, as retention has it. */
async function askThinned(): Promise<Response> {
  const { table } = market.stores;
  const owner = { account: accountOfKey(device.ownerKey), key: device.ownerKey } as Parameters<
    typeof openTestDataset
  >[1];
  const anchorer = accountOfKey(key());
  const dataset = openTestDataset(DOMAIN, owner, anchorer);
  await keepCharter(table, dataset.id, { charter: dataset.first, onChain: false });
  const pk = roundsPk(anchorer);
  const bytes = (fill: number) => new Uint8Array(32).fill(fill);
  for (const number of [1, 2]) {
    const history = new Uint8Array(32 * (number - 1));
    const round = { number, root: bytes(number), previous: bytes(0), map: bytes(9), history, historyRoot: bytes(0) };
    const at = { timeSeconds: number, blockNumber: number, txHash: '0x' };
    await table.put({ pk, sk: finalSk(number), ...round, ...at }, 'absent');
  }
  await table.put({ pk, sk: knownSk(bytes(1) as RoundRoot), number: 1 }, 'absent');
  await table.put({ pk, sk: THINNED_SK, upTo: 1, thenOneAMs: 86_400_000 }, 'absent');
  return ask({ path: `/v1/datasets/${dataset.id}/anchor?round=${to0x(bytes(1))}` });
}

/** How each type of problem is met. */
const PROVOKED: Readonly<Record<ProblemType, () => Promise<Response>>> = {
  '/problems/bad-request': () =>
    ask({ method: 'POST', path: ofDataset('hashes', sale.dataset), by: sale.signerKey, body: { blocks: [] } }),
  '/problems/signature': () => ask({ path: ofDataset('batches', sale.dataset) }),
  '/problems/clock': () =>
    ask({ path: ofDataset('batches', sale.dataset), by: sale.deviceKey as PrivateKey, lateMs: 600_000 }),
  '/problems/forbidden': () => ask({ path: ofDataset('batches', sale.dataset), by: key() }),
  '/problems/not-served': () => withQuota(null),
  '/problems/quota': () => withQuota(499),
  '/problems/no-agreement': () => ask(getBlock({ ...sale, id: `0x${'99'.repeat(32)}` as Sale['id'] })),
  '/problems/no-grant': async () => ask(getBlock(await makeSale(market, { grant: null }))),
  '/problems/not-paid': async () => ask(getBlock(await makeSale(market, { terms: { samples: 0 } }))),
  '/problems/not-found': () => ask({ path: ofDataset('batches', `0x${'77'.repeat(32)}`), by: key() }),
  '/problems/unrecorded': async () => ask({ on: await stated(), path: ofDataset('blocks/7'), by: device.ownerKey }),
  async '/problems/block-unavailable'() {
    const gone = async () => null;
    const on = await hostOf({ objects: { ...market.stores.objects, read: gone, stream: gone } });
    return ask({ ...getBlock(sale), on });
  },
  '/problems/no-ipfs': async () =>
    ask({ on: await stated(), method: 'POST', path: ofDataset('segments/0/ipfs'), by: device.ownerKey }),
  '/problems/method-not-allowed': () => ask({ method: 'POST', path: ofDataset('batches') }),
  '/problems/rejected': uploadRejected,
  '/problems/charter-not-on-chain': showLater,
  '/problems/described': describeTwice,
  '/problems/board-full': requestThrice,
  '/problems/sequence-used': postTwice,
  '/problems/round-thinned': askThinned,
  async '/problems/ended'() {
    market.stores.clock.offsetMs = 2 * 3_600_000;
    return ask(getBlock(sale));
  },
  '/problems/too-large': () =>
    ask({ method: 'POST', path: ofDataset('hashes'), by: device.ownerKey, body: { blocks: 'x'.repeat(40_000) } }),
  '/problems/uri-too-long': () => ask({ path: `/v1/${'x'.repeat(9_000)}` }),
  '/problems/headers-too-large': () => askWithHeader(20_000),
  async '/problems/internal'() {
    const on = await hostOf(breaking(new TypeError('Nobody has thought of this.')));
    return ask({ on, path: ofDataset('batches'), by: device.ownerKey });
  },
  async '/problems/unavailable'() {
    const on = await stated();
    market.stores.ledger.down = true;
    return ask({ on, path: ofDataset('batches'), by: device.ownerKey });
  },
};

describe('every type of problem', { timeout: 300_000 }, () => {
  before(async () => {
    market = await startMarket();
    host = await hostOf();
    sale = await makeSale(market);
    device = await TestDevice.open(market.stores);
  });
  after(async () => {
    for (const one of hosts) await one.close();
    await market?.stop();
  });
  afterEach(() => {
    market.stores.clock.offsetMs = 0;
    market.stores.ledger.down = false;
  });

  for (const type of Object.keys(PROBLEMS) as ProblemType[]) {
    test(`${type} is met with status ${PROBLEMS[type].status}, and the table says whose turn it is`, async () => {
      const response = await PROVOKED[type]();
      const document = problemDocument.parse(await response.json());
      assert.deepEqual([document.type, response.status], [type, PROBLEMS[type].status], JSON.stringify(document));
      assert.equal(document.status, response.status);
      assert.match(
        describeErrors(),
        new RegExp(`^\\| \`${type}\` \\| ${response.status} \\| .+ \\| .+ \\| .+ \\|$`, 'm'),
      );
    });
  }
});
