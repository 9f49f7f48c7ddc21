import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { it } from 'node:test';

it('the vectors are what their generator writes, and it shares no code with core', () => {
  const said = execFileSync(process.execPath, ['dev/vectors/generate-vectors.ts', '--check'], { encoding: 'utf8' });
  assert.match(said, /^22 vector files are current/);
  const sources = globSync('dev/vectors/{,reference/,malformed/}*.ts');
  assert.ok(sources.length > 30);
  for (const file of sources) assert.doesNotMatch(readFileSync(file, 'utf8'), /from '[^']*core\//, file);
});
