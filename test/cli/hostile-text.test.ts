import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jsonLine } from '../../cli/json-line.ts';
import { printable } from '../../client/printable.ts';
import { descriptionText } from '../../core/market/description.ts';
import { lineOf, toLine } from '../../core/market/plain-text.ts';

/** A name for each, and the character: those that reorder, hide, break or cover what stands around them. */
const HOSTILE = {
  ...{ 'C1 control': '\u009b', delete: '\u007f', 'right-to-left override': '\u202e', isolate: '\u2066' },
  ...{ 'zero-width space': '\u200b', 'byte order mark': '\ufeff', 'soft hyphen': '\u00ad', tag: '\u{e0041}' },
  ...{ 'line separator': '\u2028', 'paragraph separator': '\u2029', 'half a pair': '\ud800' },
  ...{
    'Hangul filler': '\u3164',
    'combining joiner': '\u034f',
    'blank Braille': '\u2800',
    'variation 17': '\u{e0100}',
  },
};

describe('characters that move or hide what is shown', () => {
  for (const [name, character] of Object.entries(HOSTILE)) {
    it(`stand in no text that strangers sign, on no terminal and in no line of JSON as they are: ${name}`, () => {
      const text = `Ra${character}in`;
      const description = { v: 1 as const, about: null, period: null, sizeBytes: null, contents: [], moreNames: 0 };
      const rest = { ...description, licence: null, contact: null, request: null };
      for (const said of [
        { ...rest, title: text },
        { ...rest, title: 'Rain', about: `Hourly\n${text}` },
        { ...rest, title: 'Rain', licence: text },
        { ...rest, title: 'Rain', contact: text },
      ]) {
        assert.throws(() => descriptionText(said), /without control or invisible characters/);
      }
      assert.equal(toLine(text, 80), 'Ra in');
      assert.equal(printable(text), 'Ra\ufffdin');
      const line = jsonLine({ [text]: [text] });
      assert.ok(!line.includes(character), JSON.stringify(line));
      assert.deepEqual(JSON.parse(line), { [text]: [text] });
    });
  }

  it('are not letters, marks and emoji of any script; a pile of marks is', () => {
    for (const text of ['Pluie à Uccle', 'дождь', 'ฝนที่ตก', '☔️ 雨', 'كمية الأمطار', 'Zu\u0308rich'.normalize('NFC')]) {
      assert.equal(toLine(text, 80), text);
      assert.equal(printable(text), text);
    }
    const piled = `a${'\u0336'.repeat(60)}b`;
    const line = toLine(piled, 80) ?? '';
    assert.equal(line, `a${'\u0336'.repeat(4)}b`);
    assert.throws(() => lineOf(80).parse(piled), /invisible/);
    assert.equal(lineOf(80).parse(line), line);
    assert.equal(
      jsonLine({ n: 2n ** 64n, b: new Uint8Array([1, 255]) }),
      '{"n":"18446744073709551616","b":"0x01ff"}\n',
    );
  });
});
