import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { writeLargeEvidence } from '../core/write-large-evidence.ts';
import { runPlumb } from './run-plumb.ts';

/*
 * A gigabyte in the memory of a few blocks. The evidence itself grows with the file, a kilobyte a block; what is compared does not.
 */

const MIB = 2 ** 20;
/** Blocks, of a MiB each but for 16 bytes. */
const SIZES = [256, 1024];
/** Between a file of 256 MB and one of a gigabyte: evidence of 768 more blocks, and what the collector leaves lying. */
const MOST_MORE_BYTES = 96 * MIB;
const MOST_BYTES = 400 * MIB;

let folder: string;
const at = (name: string) => join(folder, name);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-large-'));
});
after(() => rm(folder, { recursive: true, force: true }));

for (const [kind, name] of [
  [0, 'content that is encrypted again'],
  [1, 'plain content'],
] as const) {
  test(`plumb verify compares a gigabyte in constant memory: ${name}`, { timeout: 540_000 }, async () => {
    const peaks: number[] = [];
    for (const blocks of SIZES) {
      const files = { file: at('large'), evidence: at('large.evidence.json') };
      const sizeBytes = await writeLargeEvidence(kind, blocks, files);
      const note = `process.on('exit',()=>require('node:fs').writeFileSync(${JSON.stringify(at('peak'))},String(1024*process.resourceUsage().maxRSS)))`;
      const env = {
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`import{createRequire}from'node:module';const require=createRequire('file:///');${note}`)}`,
      };
      const beganMs = performance.now();
      const ended = await runPlumb(['verify', files.evidence, files.file, '--json'], env);
      assert.equal(ended.exitCode, 0, ended.stdout + ended.stderr);
      const report = JSON.parse(ended.stdout);
      assert.deepEqual([report.verdict, report.count, report.data[0].sizeBytes], ['intact', blocks, sizeBytes]);
      const peak = Number(await readFile(at('peak'), 'utf8'));
      peaks.push(peak);
      const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
      console.log(`${name}: ${sizeBytes} bytes, at most ${(peak / MIB).toFixed(0)} MiB, ${seconds} s`);
    }
    const [small = 0, large = 0] = peaks;
    assert.ok(large <= MOST_BYTES, `${large} bytes`);
    assert.ok(large - small <= MOST_MORE_BYTES, `${large - small} bytes more for a file four times as large`);
  });
}
