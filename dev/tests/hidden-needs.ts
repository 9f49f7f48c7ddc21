/** Stands for the contracts' own suite, beside the test files. */
export const CONTRACTS = 'contracts';

interface HiddenNeed {
  /** A path or pattern. */
  readonly who: string;
  readonly needs: readonly string[];
  readonly because: string;
}

/** What needs what where no import or path in a source says so; a change there widens to all that need it. */
export const HIDDEN_NEEDS: readonly HiddenNeed[] = [
  {
    who: 'test/**',
    needs: ['package.json', 'package-lock.json', '.npmrc', 'dev/install/**', 'dev/tests/**'],
    because: 'what is installed, and how tests are run, is under every test',
  },
  {
    who: CONTRACTS,
    needs: ['contracts/**', 'dev/contracts/solc', 'package.json', 'package-lock.json', 'dev/install/**'],
    because: "the contracts' suite is forge's",
  },
  {
    who: 'adapters/ethereum/abi/**',
    needs: ['contracts/src/**', 'contracts/foundry.toml', 'dev/contracts/generate-abi.ts', 'dev/contracts/solc'],
    because: 'the contracts that tests deploy are compiled into it',
  },
  { who: 'bin/plumb', needs: ['cli/plumb.ts'], because: 'the command starts it' },
  {
    who: 'cdk/**',
    needs: ['functions/**', 'lambda/**', 'cdk.json'],
    because: 'functions are bundled by the names that the table has',
  },
  {
    who: 'test/package/**',
    needs: [
      'core/**',
      'adapters/**',
      'client/**',
      'device/**',
      'cli/**',
      'local/**',
      'bin/**',
      '*.md',
      'docs/**',
      '.gitignore',
    ],
    because: 'the package holds them, and its documents say what commands make',
  },
  {
    who: 'test/dev/citations.test.ts',
    needs: ['docs/**', '*.md'],
    because: 'it looks up what pages say, and what is cited of them',
  },
  {
    who: 'test/examples/python.test.ts',
    needs: ['examples/*.py', 'test/examples/*.py', 'test/vectors/**'],
    because: 'the programs in Python have no imports that are seen here',
  },
];
