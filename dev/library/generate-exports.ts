/**
 * Writes what `import … from 'plumbline'` gives, as the compiler declares it: a change of it is seen in review.
 *
 *     node dev/library/generate-exports.ts [--check]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..');
const OUT = join(ROOT, 'docs', 'library-exports.txt');
/** The doors first, then what is declared in the files that they lead to. */
const SHOWN = [
  ...['index', 'owner', 'consumer', 'auditor', 'verification', 'program-parts', 'audit-bucket', 'verify-way'],
  ...['authorise-service', 'prove-blocks', 'serve-owner', 'fetch-purchase', 'offer-terms'],
];

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const made = declarations();
if (!values.check) writeFileSync(OUT, made);
else if (readFileSync(OUT, 'utf8') !== made) {
  console.error('docs/library-exports.txt is not what library/ exports. If the change is meant: npm run generate');
  process.exitCode = 1;
}

function declarations(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-exports-'));
  try {
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const config = join(folder, 'tsconfig.json');
    const compilerOptions = {
      ...{ noEmit: false, noCheck: true, declaration: true, emitDeclarationOnly: true, removeComments: true },
      ...{ rewriteRelativeImportExtensions: true, rootDir: ROOT, outDir: join(folder, 'out') },
      typeRoots: [join(ROOT, 'node_modules', '@types')],
    };
    const files = [join(ROOT, 'library', 'index.ts')];
    writeFileSync(
      config,
      JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: [], files }),
    );
    const { status, stderr } = spawnSync(process.execPath, [tsc, '-p', config], { encoding: 'utf8' });
    const out = join(folder, 'out', 'library');
    if (status !== 0) throw new Error(`The compiler ended with ${status}: ${stderr}`);
    const there = new Set(readdirSync(out));
    const parts = SHOWN.map((name) => {
      if (!there.has(`${name}.d.ts`)) throw new Error(`library/${name}.ts is not reached from library/index.ts.`);
      return `// library/${name}.ts\n${readFileSync(join(out, `${name}.d.ts`), 'utf8').trim()}\n`;
    });
    return parts.join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
