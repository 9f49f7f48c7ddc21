import { readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

const ETHERS = dirname(fileURLToPath(import.meta.resolve('ethers')));

/**
 * Names of ethers are imported from the files that define them, instead of through its lists of everything. Where a script is
 * split, such a list goes with all that it names into the part that is loaded first, although that needs a quarter of it.
 */
export const DIRECT_ETHERS: Plugin = {
  name: 'direct-ethers',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]adapters[\\/].*\.ts$|[\\/]ethers[\\/]lib\.esm[\\/].*\.js$/ }, ({ path }) => ({
      contents: withDirectImports(path, readFileSync(path, 'utf8')),
      loader: extname(path) === '.ts' ? 'ts' : 'js',
    }));
  },
};

const FROM_LISTS = /^import \{([^}]*)\} from (['"])(ethers|\.{1,2}\/[^'"]*index\.js)\2;/gm;

function withDirectImports(path: string, text: string): string {
  return text.replace(FROM_LISTS, (whole, names: string, _, from: string) => {
    const list = from === 'ethers' ? join(ETHERS, 'ethers.js') : join(dirname(path), from);
    if (!list.startsWith(ETHERS)) return whole;
    return names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type '))
      .map((name) => `import { ${name} } from ${JSON.stringify(definerOf(list, name.split(' as ')[0] as string))};`)
      .join(' ');
  });
}

/** The file behind a list's name; the list itself where it does not say. */
function definerOf(list: string, name: string): string {
  for (const [, names = '', from = ''] of readFileSync(list, 'utf8').matchAll(
    /^(?:export|import) \{([^}]*)\} from "([^"]+)"/gm,
  )) {
    if (!names.split(',').some((one) => one.trim() === name)) continue;
    const file = join(dirname(list), from);
    return file.endsWith('index.js') ? definerOf(file, name) : file;
  }
  return list;
}
