/**
 * Rewrites a Solidity source so that each of its checks can be switched off, or its boundary moved, while it runs: all mutants
 * are compiled once and `Mutant.on(k)` asks which of them is meant.
 */

export interface Mutant {
  readonly number: number;
  /** Where, and what is done: the same as long as the check is. */
  readonly name: string;
}

/** The library that mutants ask: by forge's cheatcode for environment variables. And the guard, in a form to be left out. */
export const MUTANT_LIBRARY = `// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

interface Environment {
    function envOr(string calldata name, uint256 otherwise) external view returns (uint256);
}

library Mutant {
    error ReentrancyGuardReentrantCall();

    function on(uint256 number) internal view returns (bool) {
        address cheats = address(uint160(uint256(keccak256("hevm cheat code"))));
        return Environment(cheats).envOr("MUTANT", uint256(0)) == number;
    }

    function enter() internal {
        bool entered;
        assembly ("memory-safe") { entered := tload(0) }
        if (entered) revert ReentrancyGuardReentrantCall();
        assembly ("memory-safe") { tstore(0, 1) }
    }

    function leave() internal {
        assembly ("memory-safe") { tstore(0, 0) }
    }
}
`;

const GUARD = `
    modifier guarded(uint256 number) {
        bool guards = !Mutant.on(number);
        if (guards) Mutant.enter();
        _;
        if (guards) Mutant.leave();
    }
`;

const FLIPPED: Record<string, string> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' };

/** Rewrites one file. `next` gives mutants their numbers. @returns the new text, and the mutants that are in it */
export function makeMutants(file: string, source: string, next: () => number): { text: string; mutants: Mutant[] } {
  const mutants: Mutant[] = [];
  const add = (at: number, what: string) => {
    const number = next();
    mutants.push({ number, name: `${file}, ${functionAt(source, at)}: ${what.replace(/\s+/g, ' ')}` });
    return number;
  };
  const edits: { from: number; to: number; text: string }[] = [];

  for (const { from, to } of conditions(source)) {
    const parts = splitTop(source.slice(from, to), '||');
    const text = parts.map((part) => mutateDisjunct(part.trim(), (what) => add(from, what))).join(' || ');
    edits.push({ from, to, text });
  }
  for (const match of source.matchAll(
    /(?<=(?:[{};)]|\/\/[^\n]*\n)\s+)(?:_check\w+|BlockAnswer\.checkKey)\([^;]*\);/g,
  )) {
    const number = add(match.index, `without ${match[0]}`);
    edits.push({
      from: match.index,
      to: match.index + match[0].length,
      text: `{ if (!Mutant.on(${number})) ${match[0]} }`,
    });
  }
  for (const match of source.matchAll(/= (_in\(id, [\w.]+\)|_accepted\(id\));/g)) {
    const number = add(match.index, `without the state of ${match[1]}`);
    const all = source.includes('_agreements') ? '_agreements' : '_grants';
    const text = `= Mutant.on(${number}) ? ${all}[id] : ${match[1]};`;
    edits.push({ from: match.index, to: match.index + match[0].length, text });
  }
  for (const match of source.matchAll(/\bnonReentrant\b/g)) {
    const number = add(match.index, 'without nonReentrant');
    edits.push({ from: match.index, to: match.index + match[0].length, text: `guarded(${number})` });
  }
  for (const match of source.matchAll(/([\w.]+(?:\([^;]*\))?)\.(toUint(\d+))\(\)/g)) {
    const number = add(match.index, `without the limit of ${match[0]}`);
    const text = `(Mutant.on(${number}) ? uint${match[3]}(${match[1]}) : ${match[0]})`;
    edits.push({ from: match.index, to: match.index + match[0].length, text });
  }

  let text = source;
  for (const { from, to, text: by } of edits.sort((a, b) => b.from - a.from)) {
    text = text.slice(0, from) + by + text.slice(to);
  }
  text = text.replace(/^(import )/m, `import { Mutant } from "${file.includes('/') ? '..' : '.'}/Mutant.sol";\n$1`);
  // Asking which mutant is meant is reading, and not everything reads
  text = text.replace(/\b(internal|private) pure\b/g, '$1 view');
  if (source.includes('nonReentrant')) text = text.replace(/^(contract [^{]*\{)/m, `$1${GUARD}`);
  return { text, mutants };
}

/** The conditions of all checks: `if (…)` before a revert, a return, or one assignment. */
function conditions(source: string): { from: number; to: number }[] {
  return [...source.matchAll(/\bif \(/g)].flatMap(({ index }) => {
    const from = index + 'if ('.length;
    const to = closing(source, from);
    const isCheck = /^\)\s*(\{\s*revert|revert|return|g\.end =)/.test(source.slice(to));
    return isCheck ? [{ from, to }] : [];
  });
}

function mutateDisjunct(part: string, add: (what: string) => number): string {
  const without = add(`without ${part}`);
  const terms = splitTop(part, '&&').map((term) => term.trim());
  const whole =
    terms.length > 1 ? terms.map((term) => `(${term} || Mutant.on(${add(`without && ${term}`)}))`).join(' && ') : part;
  let text = `(${whole}) && !Mutant.on(${without})`;
  const comparison = /^([^<>=!&]+) (<=|>=|<|>) ([^<>=!&]+)$/s.exec(part);
  if (comparison !== null) {
    const [, left, operator, right] = comparison;
    const flipped = `${left} ${FLIPPED[operator!]} ${right}`;
    text = `(Mutant.on(${add(`${flipped} in place of ${operator}`)}) ? ${flipped} : ${text})`;
  } else {
    text = `(${text})`;
  }
  return text;
}

/** Where the parenthesis that was opened before `from` is closed. */
function closing(source: string, from: number): number {
  let depth = 1;
  for (let at = from; at < source.length; at++) {
    if (source[at] === '(') depth++;
    if (source[at] === ')' && --depth === 0) return at;
  }
  throw new Error(`A parenthesis at ${from} is never closed.`);
}

function splitTop(text: string, operator: string): string[] {
  const parts: string[] = [];
  let [depth, start] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(' || text[at] === '[') depth++;
    if (text[at] === ')' || text[at] === ']') depth--;
    if (depth > 0 || !text.startsWith(operator, at)) continue;
    parts.push(text.slice(start, at));
    start = at + operator.length;
  }
  return [...parts, text.slice(start)];
}

function functionAt(source: string, at: number): string {
  const names = [...source.slice(0, at).matchAll(/\b(?:function (\w+)|(constructor))\(/g)];
  const last = names.at(-1);
  return last?.[1] ?? last?.[2] ?? 'outside';
}
