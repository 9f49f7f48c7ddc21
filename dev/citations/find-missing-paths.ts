import { posix } from 'node:path';
import type { Refusal } from './find-citations.ts';

const ROOMS = 'core|adapters|contracts|functions|lambda|device|client|cli|cdk|local|examples|dev|test|docs';
/** A path of this tree in code style: `core/log/record.ts`, `device/record/`, `test/core/*.test.ts`. */
const NAMED = new RegExp(`\`((?:${ROOMS})/[\\w./*-]*)\``, 'g');
/** A link to a file of this tree; what follows a # is a citation. */
const LINKED = /\]\(([^)#:\s]+)(?:#[^)]*)?\)/g;

/** Every file or folder that a page in Markdown names or links to and that is not there. `exists` takes a path from the root. */
export function findMissingPaths(
  pages: Readonly<Record<string, string>>,
  exists: (path: string) => boolean,
): Refusal[] {
  return Object.entries(pages).flatMap(([file, markdown]) =>
    markdown
      .split('\n')
      .flatMap((content, at) =>
        [
          ...[...content.matchAll(NAMED)].map(([, path]) => path as string),
          ...[...content.matchAll(LINKED)].map(([, path]) => posix.join(posix.dirname(file), path as string)),
        ]
          .filter((path) => !exists(path))
          .map((path) => ({ file, line: at + 1, problem: `names ${path}, which is not there` })),
      ),
  );
}
