import { it } from 'node:test';

/* Run by quicken-runner.test.ts: both tests pass, and the file does not. */

let isThrown: () => void;
const thrown = new Promise<void>((resolve) => {
  isThrown = resolve;
});

it('leaves a timer', () => {
  setTimeout(() => {
    isThrown();
    throw new Error('behind its end');
  }, 1);
});

it('goes on until it has struck', () => thrown);
