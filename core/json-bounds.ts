/** What a text of JSON may hold. */
export interface JsonBounds {
  /** Lists and objects within each other. */
  readonly maxDepth: number;
  /** Commas: members of all lists and objects together, the first of each not counted. */
  readonly maxCommas: number;
}

/**
 * How a text goes beyond its bounds, or null. It is looked through before it is parsed: a hundred million brackets take a parser
 * gigabytes and minutes, whatever is found to be wrong with them afterwards. Whether it is JSON is not asked.
 *
 * @example
 * console.log(beyondBounds('[[["]]]]"]]]', { maxDepth: 3, maxCommas: 0 }), beyondBounds('[[1,2]]', { maxDepth: 1, maxCommas: 9 }));
 * // null It nests deeper than 1 levels.
 */
export function beyondBounds(text: string, { maxDepth, maxCommas }: JsonBounds): string | null {
  let depth = 0;
  let commas = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case COMMA:
        if (++commas > maxCommas) return `It has more than ${maxCommas.toLocaleString('en')} members.`;
        break;
      case LIST:
      case OBJECT:
        if (++depth > maxDepth) return `It nests deeper than ${maxDepth} levels.`;
        break;
      case LIST_END:
      case OBJECT_END:
        depth--;
        break;
    }
  }
  return null;
}

const [QUOTE, BACKSLASH, COMMA, LIST, LIST_END, OBJECT, OBJECT_END] = [0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d];

/** Where a text that begins at a quote ends; behind the end of all where it does not. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}
