import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { BenchOwner } from '../parts/open-owner.ts';
import type { Parts } from '../parts/start-parts.ts';
import type { Run } from '../report/figure.ts';
import type { UploadRun, UploadTask } from './measure-upload.ts';
import { openRelay } from './relay.ts';

export interface UploadSize {
  readonly repetitions: number;
  readonly blocks: number;
  readonly blockBytes: number;
  readonly batchBytes: number;
}

const LINK_MBIT = 100;
const TIMEOUT_MS = 300_000;
/** As much as waits on the way before packets are dropped: 50 ms. */
const QUEUE_BYTES = 625_000;

/** What the services answer takes the way back of its own, as on any link of today. */
function setUpLink(ports: readonly number[]): string {
  const wayOf = (id: string): string[] => [
    `tc class add dev lo parent 1: classid 1:${id} htb rate ${LINK_MBIT}mbit burst 64kb quantum 1514`,
    `tc qdisc add dev lo parent 1:${id} bfifo limit ${QUEUE_BYTES}`,
  ];
  return [
    // Packets as on Ethernet: loopback's own are larger than the bucket holds.
    'ip link set lo mtu 1500',
    'ip link set lo up',
    'tc qdisc add dev lo root handle 1: htb default 10',
    ...wayOf('10'),
    ...wayOf('20'),
    ...ports.map(
      (port) => `tc filter add dev lo parent 1: protocol ip prio 1 u32 match ip sport ${port} 0xffff flowid 1:20`,
    ),
    'exec "$0" "$@"',
  ].join(' && ');
}

/**
 * How long a device takes from capture to stored, and a bare PUT of the same bytes, both behind a link of 100 Mbit/s: a
 * network namespace whose loopback has a token bucket for each direction. Bytes leave it through sockets in the file system.
 */
export async function uploadAgainstPut(
  parts: Parts,
  owner: BenchOwner,
  { repetitions, ...size }: UploadSize,
  signal: AbortSignal,
): Promise<Run[]> {
  const folder = join(parts.folder, `upload-${size.blocks}-${size.batchBytes}`);
  await mkdir(folder, { mode: 0o700 });
  const { stack } = parts;
  const ports = [stack.s3Endpoint, stack.apiUrl, stack.rpcUrl].map((url) => Number(new URL(url).port));
  const datasets = await owner.open(repetitions);
  const task: UploadTask = { ...size, stack, folder, provisions: datasets.map(({ provision }) => provision) };
  const taskFile = join(folder, 'task.json');
  await writeFile(taskFile, JSON.stringify(task), { mode: 0o600 });
  const here = (name: string) => join(import.meta.dirname, name);
  const inside = [here('behind-link.ts'), folder, ports.join(','), here('measure-upload.ts'), taskFile];
  const relays = await Promise.all(ports.map((port) => openRelay(join(folder, String(port)), port)));
  const child = spawn(
    'unshare',
    ['--user', '--map-root-user', '--net', 'sh', '-c', setUpLink(ports), process.execPath, ...inside],
    { stdio: ['ignore', 'pipe', 'pipe'], detached: true, signal, timeout: TIMEOUT_MS, killSignal: 'SIGTERM' },
  );
  const ended = once(child, 'exit') as Promise<[number | null]>;
  ended.catch(() => {});
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000);
  });
  const runs: Run[] = [];
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const { way, ms } = JSON.parse(line) as UploadRun;
      runs.push({ series: way, x: size.batchBytes, y: ms });
    }
    const [code] = await ended;
    if (code !== 0) throw new Error(`Nothing was measured behind the link (${code}): ${said}`);
  } finally {
    for (const relay of relays) relay.close();
  }
  return runs;
}
