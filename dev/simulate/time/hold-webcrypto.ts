import type { VirtualTime } from './virtual-time.ts';

let current: VirtualTime | null = null;
let isWrapped = false;

/** WebCrypto, with which messages are sealed, works in other threads: this time stands still until it has answered. */
export function holdForWebCrypto(time: VirtualTime): void {
  current = time;
  if (isWrapped) return;
  isWrapped = true;
  const prototype = Object.getPrototypeOf(crypto.subtle) as Record<string, unknown>;
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const work = Object.getOwnPropertyDescriptor(prototype, name)?.value as unknown;
    if (typeof work !== 'function' || name === 'constructor') continue;
    prototype[name] = function (this: unknown, ...given: unknown[]): unknown {
      const release = current?.hold();
      const answer = work.apply(this, given) as unknown;
      if (!(answer instanceof Promise)) {
        release?.();
        return answer;
      }
      return answer.finally(release);
    };
  }
}
