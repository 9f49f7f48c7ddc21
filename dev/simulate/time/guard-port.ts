/**
 * A port of a process that may end at any moment: a call that does not pass is never made, and an answer that does not pass
 * reaches nobody.
 * @param passes whether the process goes on, asked before each call and behind its answer
 */
export function guardPort<Port extends object>(port: Port, passes: (side: 'before' | 'after') => boolean): Port {
  return new Proxy(port, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...given: unknown[]) =>
        new Promise((resolve, reject) => {
          if (!passes('before')) return;
          (value.apply(target, given) as Promise<unknown>).then(
            (answer) => passes('after') && resolve(answer),
            (cause) => passes('after') && reject(cause),
          );
        });
    },
  });
}
