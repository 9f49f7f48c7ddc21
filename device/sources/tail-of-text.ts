/** The end of what a program says, for a person. */
export interface Tail {
  add(bytes: Uint8Array): void;
  /** Its last lines, joined, with nothing that a terminal would obey. */
  text(): string;
}

const KEPT_BYTES = 2048;
const LINES = 5;
const MAX_CHARACTERS = 400;

export function createTail(): Tail {
  let kept: Uint8Array = new Uint8Array(0);
  return {
    add(bytes) {
      kept = new Uint8Array(Buffer.concat([kept, bytes.subarray(-KEPT_BYTES)]).subarray(-KEPT_BYTES));
    },
    text() {
      const lines = Buffer.from(kept)
        .toString('utf8')
        .split(/[\r\n]+/)
        // Colours begin with Escape and end with a letter.
        .map((line) =>
          line
            .replace(/\p{Cc}\[[0-9;]*[A-Za-z]/gu, '')
            .replace(/\p{C}/gu, '\ufffd')
            .trim(),
        )
        .filter((line) => line !== '');
      return lines.slice(-LINES).join(' / ').slice(-MAX_CHARACTERS);
    },
  };
}
