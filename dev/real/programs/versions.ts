/** The programs that the real tests run on, at the versions they were measured at (docs say what each stands for). */
export const VERSIONS = {
  geth: '1.16.8',
  kubo: '0.42.0',
  versitygw: '1.8.0',
  'dynamodb-local': '2.5.2',
  moto: '5.2.5',
  /** Reads the workflows of .github, which nothing here can run. */
  actionlint: '1.7.12',
  /** golang.org/x/mod: checks transparency logs' notes and proofs. A module, built into a test's program. */
  'x-mod': '0.30.0',
  /** Checks COSE receipts. */
  'scitt-cose': '0.5.0',
  /** Debian's own, whichever it has: it is mended for security, not held still. */
  chromium: 'debian',
  /** Of the Node that npm has for it; the emulator is Debian's. */
  'node-arm64': '24.21.0',
} as const;

export type RealProgram = keyof typeof VERSIONS;

/** What each is started by, in its folder of the cache. */
export const STARTED_BY: Readonly<Record<RealProgram, string>> = {
  geth: 'geth',
  kubo: 'ipfs',
  versitygw: 'versitygw',
  'dynamodb-local': 'lib',
  moto: 'bin/python3',
  actionlint: 'actionlint',
  'x-mod': 'modules',
  'scitt-cose': 'bin/python3',
  chromium: 'chromium',
  'node-arm64': 'node',
};

/** What is in its folder once all of it is there. */
export const COMPLETE_WITH: Readonly<Record<RealProgram, string>> = {
  ...STARTED_BY,
  'dynamodb-local': 'complete',
  moto: 'plumbline-installed',
  'x-mod': 'plumbline-installed',
  'scitt-cose': 'plumbline-installed',
};
