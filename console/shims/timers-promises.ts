/** `setTimeout` of node:timers/promises, as the adapters wait with it. */
export function setTimeout<T>(ms: number, value?: T, { signal }: { readonly signal?: AbortSignal } = {}): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = globalThis.setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve(value as T);
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
