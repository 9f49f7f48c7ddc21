import { PlumblineError } from '../core/errors.ts';
import { EXIT } from './exit-codes.ts';

/** A service, and whether it has said anything yet. */
export interface WatchedService<T> {
  readonly service: T;
  /**
   * What an audit ends with. Blocks that a service withholds are not intact; but of one that has not answered a single
   * request, as where a proxy answers for it, nothing is known yet.
   */
  exitCode(report: { readonly ok: boolean }): number;
}

/** Watches the methods of a service. A refusal is an answer; a page of a proxy, an error of a server or silence are none. */
export function watchAnswers<T extends object>(service: T): WatchedService<T> {
  let asked = false;
  let answered = false;
  const watch = async (answer: Promise<unknown>): Promise<unknown> => {
    asked = true;
    try {
      const given = await answer;
      answered = true;
      return given;
    } catch (error) {
      answered ||= error instanceof PlumblineError && error.kind === 'refused';
      throw error;
    }
  };
  const watched = new Proxy(service, {
    get(target, name, receiver) {
      const method = Reflect.get(target, name, receiver);
      if (typeof method !== 'function') return method;
      return (...given: unknown[]) => watch(Reflect.apply(method, target, given) as Promise<unknown>);
    },
  });
  return {
    service: watched,
    exitCode({ ok }) {
      if (ok) return EXIT.ok;
      return asked && !answered ? EXIT.unavailable : EXIT.notIntact;
    },
  };
}
