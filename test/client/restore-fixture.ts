import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IndexLine } from '../../client/restore/index-line.ts';
import { type BlockToRestore, type Restored, restoreFiles } from '../../client/restore/restore-files.ts';
import { openRestoredFolder, type RestoreAs } from '../../client/restore/restored-folder.ts';
import type { BlockMeta } from '../../core/block/meta.ts';
import { utf8 } from '../../core/bytes.ts';

/** Captured at 1 ms unless it says otherwise. */
export function block(meta: Partial<BlockMeta>, content: string | Uint8Array): BlockToRestore {
  const bytes = typeof content === 'string' ? utf8(content) : content;
  return { index: 0, upTo: 0, verdict: 'intact', reason: null, meta: { at: 1, ...meta }, content: bytes };
}

/** A block that is not intact: it comes without content. */
export const damaged: BlockToRestore = {
  ...{ index: 0, upTo: 0, verdict: 'corrupted' as const, reason: 'x' },
  ...{ meta: null, content: null },
};

/** As a log has them: numbered from 0. */
export async function* flow(...blocks: readonly BlockToRestore[]): AsyncGenerator<BlockToRestore> {
  let index = 0;
  for (const one of blocks) {
    yield { ...one, index, upTo: index };
    index += 1;
  }
}

export async function restoreInto(
  folder: string,
  blocks: AsyncIterable<BlockToRestore>,
  as: RestoreAs = 'files',
  of: Readonly<Record<string, string | number>> = { dataset: 'd' },
): Promise<Restored> {
  return restoreFiles(await openRestoredFolder(folder, { as, of, title: 'the test' }), blocks);
}

/** Every file below the folder with its text, but for what names them. */
export async function filesIn(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const mine = files.filter((path) => !/^plumb-(get|index)\./.test(path.slice(folder.length + 1)));
  return Object.fromEntries(
    await Promise.all(mine.map(async (path) => [path.slice(folder.length + 1), await readFile(path, 'utf8')])),
  );
}

/** The index, line by line. */
export async function indexIn(folder: string): Promise<IndexLine[]> {
  const text = await readFile(join(folder, 'plumb-index.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as IndexLine);
}
