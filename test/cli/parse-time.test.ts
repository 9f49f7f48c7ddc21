import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseTime, parseUntil } from '../../cli/parse-time.ts';

/* One rule for every time that is typed: it has its zone, or it is refused with the form that is right. */

const MODULE = join(import.meta.dirname, '..', '..', 'cli', 'parse-time.ts');
const NOVEMBER = Date.UTC(2026, 10, 22, 10);

describe('a time that is typed', () => {
  for (const [text, ms] of [
    ['2026-11-22T10:00:00Z', NOVEMBER],
    ['2026-11-22t10:00z', NOVEMBER],
    ['2026-11-22 12:00+02:00', NOVEMBER],
    ['2026-11-22T05:00:00-0500', NOVEMBER],
    ['2026-11-22T10:00:00.250Z', NOVEMBER + 250],
    ['2026-11-22T10:00:00,25Z', NOVEMBER + 250],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    [String(NOVEMBER), NOVEMBER],
  ] as const) {
    test(`${text} is read`, () => assert.equal(parseTime(text), ms));
  }

  for (const [text, says] of [
    ['1795952755', /looks like seconds.* Give 1795952755000, or 2026-11-29T11:45:55Z\./],
    ['1', /not a time\. Give a time with its zone/],
    ['0000000000000', /not a time/],
    ['17959527550000', /not a time/],
    ['2026-02-30T00:00:00Z', /the calendar has no 2026-02-30/],
    ['2026-02-30', /the calendar has no 2026-02-30/],
    ['2023-02-29T00:00:00Z', /no 2023-02-29/],
    ['2026-13-01T00:00:00Z', /no 2026-13-01/],
    ['2026-11-22', /is a day, not a time\. Give 2026-11-22T00:00:00Z for UTC/],
    ['2026-11-22T10:00:00', /has no time zone\. Give 2026-11-22T10:00:00Z for UTC/],
    ['2026-11-22T24:00:00Z', /the hour or the offset does not exist/],
    ['2026-11-22T10:61:00Z', /the hour or the offset does not exist/],
    ['2026-11-22T10:00:00+99:00', /the hour or the offset does not exist/],
    ['1969-12-31T23:00:00Z', /before 1970/],
    ['yesterday', /not a time/],
    ['Nov 22 2026 10:00 UTC', /not a time/],
    ['', /not a time/],
  ] as const) {
    test(`${text || 'nothing'} is refused with what is right`, () => {
      assert.throws(() => parseTime(text), { message: says });
    });
  }

  test('without a zone, the zone of this machine is offered, and nothing is read differently in another one', () => {
    const script = `import { parseTime } from ${JSON.stringify(MODULE)};
      try { parseTime('2026-11-22T10:00:00'); } catch (error) { console.log(error.message); }
      console.log(parseTime('2026-11-22T10:00:00Z'));`;
    const env = { ...process.env, TZ: 'America/New_York' };
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' });
    assert.match(said, /2026-11-22T10:00:00Z for UTC, or 2026-11-22T10:00:00-05:00 for here/);
    assert.ok(said.includes(`\n${NOVEMBER}\n`), said);
  });

  test('a duration counts from now, a time is a time', () => {
    const before = Math.floor(Date.now() / 1000);
    const until = parseUntil('7d');
    assert.ok(until >= before + 7 * 86_400 && until <= before + 7 * 86_400 + 60);
    assert.equal(parseUntil('2026-11-22T10:00:00Z'), NOVEMBER / 1000);
    assert.throws(() => parseUntil('1795952755'), /seconds/);
  });
});
