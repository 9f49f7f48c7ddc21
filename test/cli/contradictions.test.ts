import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Charter, datasetOfCharter, signCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { encodeContradiction } from '../../core/evidence/contradiction-file.ts';
import { address, type LogRoot, NO_ACCOUNT, type PrivateKey } from '../../core/ids.ts';
import { buildGrowth } from '../../core/log/build-growth.ts';
import { type SignedHead, signHead } from '../../core/log/head.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { LazyTree } from '../core/lazy-tree.ts';
import { runPlumb } from './run-plumb.ts';

const domain = { chainId: 31337, dissc: DISSC_ADDRESS };
const [ownerKey, deviceKey] = [3, 5].map((byte) => new Uint8Array(32).fill(byte) as PrivateKey) as [
  PrivateKey,
  PrivateKey,
];
const [owner, device] = [accountOfKey(ownerKey), accountOfKey(deviceKey)];
const unsigned: Charter = {
  ...{
    owner,
    name: encodeDatasetName('pump-7'),
    kind: 0,
    device,
    anchorer: NO_ACCOUNT,
    serial: 1_790_000_000,
    from: 0,
  },
};
const charter = { ...unsigned, signature: signCharter(domain, unsigned, ownerKey) };
const dataset = datasetOfCharter(domain, charter);
const [ours, theirs] = [new LazyTree([100, 500]), new LazyTree([100, 500, 70], 'other')];
const headOf = (tree: LazyTree, size: number, of = { ...domain, dataset }): SignedHead => {
  const head = { dataset: of.dataset, size, root: tree.hash(0, size) as LogRoot };
  return { ...head, serial: charter.serial, signature: signHead(of, head, deviceKey) };
};

describe('plumb owner contradictions', () => {
  let folder: string;
  let evidence: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plumbline-contradictions-'));
    const growth = await buildGrowth({ subtrees: ours.source }, 100, 500);
    const contradiction = { shorter: headOf(theirs, 100), longer: headOf(ours, 500), growth };
    const seen = { shorter: '100 blocks in round 3', longer: '500 blocks in round 4' };
    evidence = encodeContradiction({ domain, contradiction, charters: [charter], seen });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const plumb = (args: readonly string[], home = 'nobody') =>
    runPlumb(['owner', 'contradictions', ...args], { PLUMB_HOME: join(folder, home), PLUMB_STACK: '' });
  const written = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  it('checks a file with nothing but its bytes: no keystore, no chain, no service, no home', async () => {
    const path = written('evidence.json', evidence);
    const ended = await plumb(['--check', path]);
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.match(ended.stdout, new RegExp(`One account, ${device}, signed both\\. It is at fault\\.`));
    assert.match(
      ended.stdout,
      new RegExp(`Charter 1790000000 of owner ${owner} makes it a device of dataset pump-7\\.`),
    );
    const answer = JSON.parse((await plumb(['--check', path, '--json'])).stdout);
    assert.deepEqual([answer.proven, answer.fault, answer.shorter.size, answer.longer.size], [true, device, 100, 500]);
  });

  it('says that a file proves nothing where it was altered, and refuses what is no such file', async () => {
    const value = JSON.parse(evidence);
    const altered: [string, object, RegExp][] = [
      [
        'a growth of another log',
        { growth: { ...value.growth, peaks: value.growth.peaks.with(0, `0x${'00'.repeat(32)}`) } },
        /leads to a different log/,
      ],
      ['one head twice', { shorter: value.longer, growth: null }, /extends/],
      ['no growth', { growth: null }, /Comparing these heads needs the growth/],
      [
        'a charter of somebody else',
        { charters: [{ ...value.charters[0], serial: 1_790_000_001 }] },
        / names owner .*, but .* signed it/,
      ],
    ];
    for (const [what, change, pattern] of altered) {
      const ended = await plumb(['--check', written('altered.json', JSON.stringify({ ...value, ...change }))]);
      assert.equal(ended.exitCode, 1, `${what}: ${ended.stdout}${ended.stderr}`);
      assert.match(ended.stdout, pattern, what);
    }
    const refused: [string, RegExp][] = [
      [written('empty.json', ''), /is not JSON/],
      [written('other.json', '{"format":"plumbline-contradiction/1"}'), /is malformed at format/],
      [written('long.json', ' '.repeat(65_537)), /has 65537 bytes; at most 65536 are read/],
      [folder, /is not a plain file/],
      [join(folder, 'nowhere.json'), /There is no file/],
    ];
    for (const [path, pattern] of refused) {
      const ended = await plumb(['--check', path]);
      assert.equal(ended.exitCode, 2, `${path}: ${ended.stdout}${ended.stderr}`);
      assert.match(ended.stderr, pattern);
    }
  });

  it('flags heads that are signed for another contract than the one in use, until their reader names that contract', async () => {
    const other = { chainId: 31337, dissc: address(`0x${'d1'.repeat(20)}`) };
    const signed = { ...unsigned, signature: signCharter(other, unsigned, ownerKey) };
    const of = { ...other, dataset: datasetOfCharter(other, signed) };
    const growth = await buildGrowth({ subtrees: ours.source }, 100, 500);
    const contradiction = { shorter: headOf(theirs, 100, of), longer: headOf(ours, 500, of), growth };
    const seen = { shorter: 'here', longer: 'there' };
    const file = encodeContradiction({ domain: other, contradiction, charters: [signed], seen });
    const path = written('other.json', file);
    const flagged = await plumb(['--check', path]);
    assert.equal(flagged.exitCode, 1, flagged.stderr);
    assert.match(flagged.stdout, new RegExp(`signed for the contract ${other.dissc}, not for ${DISSC_ADDRESS}`));
    assert.doesNotMatch(flagged.stdout, /This proves it to anybody/);
    const named = await plumb(['--check', path, '--dissc', other.dissc]);
    assert.equal(named.exitCode, 0, named.stderr);
    assert.match(named.stdout, /This proves it to anybody/);
    mkdirSync(join(folder, 'mixed', 'contradictions'), { recursive: true });
    writeFileSync(join(folder, 'mixed', 'contradictions', 'a.json'), evidence, { mode: 0o600 });
    writeFileSync(join(folder, 'mixed', 'contradictions', 'b.json'), file, { mode: 0o600 });
    const listed = (await plumb(['--json'], 'mixed')).stdout.trim().split('\n');
    const contracts = listed
      .map((line) => JSON.parse(line))
      .map(({ dissc, otherContract }) => [dissc, otherContract === null]);
    assert.deepEqual(
      contracts.toSorted(),
      [
        [DISSC_ADDRESS, true],
        [other.dissc, false],
      ].toSorted(),
    );
  });

  it('lists what a home has found, and writes it for somebody else', async () => {
    assert.equal((await plumb([])).exitCode, 0);
    mkdirSync(join(folder, 'home', 'contradictions'), { recursive: true });
    writeFileSync(join(folder, 'home', 'contradictions', 'a.json'), evidence, { mode: 0o600 });
    writeFileSync(join(folder, 'home', 'contradictions', 'b.json'), '{', { mode: 0o600 });
    const listed = await plumb([], 'home');
    assert.equal(listed.exitCode, 1, listed.stderr);
    assert.match(listed.stdout, /100 blocks and 500 blocks; the longer log does not start with the shorter one/);
    assert.match(listed.stderr, /b\.json proves nothing/);
    const out = join(folder, 'out.json');
    assert.equal((await plumb([dataset, '--out', out], 'home')).exitCode, 0);
    assert.deepEqual(JSON.parse(readFileSync(out, 'utf8')), JSON.parse(evidence));
    assert.equal(statSync(out).mode & 0o777, 0o600);
    assert.equal((await plumb([dataset, '--out', out], 'home')).exitCode, 2, 'no file is replaced');
    assert.match((await plumb(['--out', out], 'home')).stderr, /Name the dataset/);
    assert.match((await plumb(['--forget'], 'home')).stderr, /Name the dataset/);
  });
});
