/**
 * Characters that move or hide what is shown, break a line, or cannot be seen: controls, bidirectional marks, zero-width ones,
 * line and paragraph separators, halves of pairs, fillers, and the blank Braille cell. The two that choose between text and emoji
 * (U+FE0E, U+FE0F) change nothing but the character before them.
 *
 * @example
 * console.log(HIDING.test('rain'), HIDING.test('ra\u200bin'), HIDING.test('\u3164')); // false true true
 */
export const HIDING = /(?![\ufe0e\ufe0f])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/u;
