const RUNTIME = 'from the port Runtime (core/ports/runtime.ts)';

const OF_GLOBALS: readonly (readonly [names: RegExp, remedy: string])[] = [
  [/^(Date|performance|Temporal|Intl)$/, `Take the moment as an argument, or the clock ${RUNTIME}.`],
  [/^((set|clear)(Timeout|Interval|Immediate)|queueMicrotask|scheduler|Atomics)$/, `Wait ${RUNTIME}.`],
  [/^AbortSignal$/, `Take a signal as an argument, or \`timeout\` ${RUNTIME}.`],
  [
    /^(Math|crypto)$/,
    `Take random bytes from the port Primitives (core/ports/primitives.ts), other chance ${RUNTIME}.`,
  ],
  [
    /^process$/,
    'Whoever composes it (cli, local, lambda) reads the environment and the process, and passes the value in.',
  ],
  [/^console$/, 'Return it, throw it, or tell the Observer.'],
  [/^(fetch|XMLHttpRequest|WebSocket|EventSource)$/, 'Networks are reached in adapters/, behind a port of core/.'],
  [/^(require|module|exports|__dirname|__filename)$/, 'Import what you need, and take paths as arguments.'],
  [/^(globalThis|global|window|self|document|navigator)$/, 'Use each name by itself, if the list has it.'],
  [
    /^(Function|eval|Reflect|Proxy|WebAssembly)$/,
    'Write it in the open: text that is run, or a name made at run time, hides what it uses.',
  ],
];

const OF_PACKAGES: readonly (readonly [names: RegExp, remedy: string])[] = [
  [/^node:(timers|perf_hooks)/, `Take clock, waiting and turns ${RUNTIME}.`],
  [
    /^node:crypto$/,
    `Take hashes and random bytes from the port Primitives (core/ports/primitives.ts), other chance ${RUNTIME}.`,
  ],
  [/^node:process$/, 'Whoever composes it (cli, local, lambda) reads the environment and passes the value in.'],
  [/^node:/, 'What touches the machine belongs behind a port of core/, in adapters/.'],
  [
    /^(ethers|@aws-sdk\/|kubo-rpc-client)/,
    'Calls to the chain, AWS and IPFS belong in adapters/, behind a port of core/.',
  ],
  [/^@aws-lambda-powertools\//, 'lambda/ makes the observer; take it as a port.'],
  [
    /^([./]|[a-z]+:\/\/|(file|data|plumbline)(:|\/))/,
    'Import a file of the tree by its path from here, a package by its name.',
  ],
];

/** What to do instead of using a global name. */
export function remedyOfGlobal(name: string): string {
  return OF_GLOBALS.find(([names]) => names.test(name))?.[1] ?? 'The lists of names are in dev/gate/globals.ts.';
}

/** What to do instead of importing a package. */
export function remedyOfPackage(name: string): string {
  return OF_PACKAGES.find(([names]) => names.test(name))?.[1] ?? 'The lists of packages are in dev/gate/rooms.ts.';
}
