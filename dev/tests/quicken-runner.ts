import hooks, { AsyncLocalStorage, AsyncResource, createHook, executionAsyncId } from 'node:async_hooks';

/*
 * Loaded into the process of every test file, before anything loads the runner. To know which test an error that nobody caught
 * belongs to, the runner follows every promise, socket and timer with hooks of its own (async_hooks): a seventh of what a file
 * with sockets takes. Here it is told by an AsyncLocalStorage instead, which V8 carries along at next to no cost.
 *
 * The runner takes these three when it is loaded; whoever takes them later gets node's own. A node whose runner does not ask
 * for them is as slow as it was, and test/dev/quicken-runner.test.ts says so.
 */
const current = new AsyncLocalStorage<AsyncResource>();
let noteTest: ((id: number, type: string, triggerId: number, test: AsyncResource) => void) | undefined;

/** A test is one of these: while it runs, it is the current one, for all that it begins. */
class FollowedResource extends AsyncResource {
  constructor(type: string, options?: ConstructorParameters<typeof AsyncResource>[1]) {
    super(type, options);
    noteTest?.(this.asyncId(), type, executionAsyncId(), this);
  }

  override runInAsyncScope<This, Result>(
    run: (this: This, ...args: unknown[]) => Result,
    thisArg?: This,
    ...args: unknown[]
  ): Result {
    return super.runInAsyncScope(() => current.run(this, () => Reflect.apply(run, thisArg, args)));
  }
}

Object.assign(hooks, {
  AsyncResource: FollowedResource,
  executionAsyncId: () => current.getStore()?.asyncId() ?? executionAsyncId(),
  createHook: ({ init }: { init: typeof noteTest }) => {
    noteTest = init;
    return { enable: () => {}, disable: () => {} };
  },
});
await import('node:test');
Object.assign(hooks, { AsyncResource, executionAsyncId, createHook });
