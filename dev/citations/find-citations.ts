/** A place in a page that a line of a file points to. */
export interface Citation {
  /** Path of the file that cites, from the root of the tree. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Name of the page in docs/, without its ending. */
  readonly page: string;
  /** The heading, as a link has it. */
  readonly anchor: string;
}

/** A line of a file that must not be there as it is. */
export interface Refusal {
  readonly file: string;
  readonly line: number;
  readonly problem: string;
}

// `specification#record` in code and in words that people read, `docs/specification.md#record` where it is a link.
const CITED = /(?<![\w/.-])(?:docs\/|\.\.\/)?([a-z][a-z-]*)(?:\.md)?#([A-Za-z0-9_-]+)/g;
// A link within a page.
const WITHIN = /\]\(#([A-Za-z0-9_-]+)\)/g;
// Pages that are no longer there, and what nobody outside could read. Written so that this file does not cite them itself.
const GONE = [/design \u00a7/i, /design[ ]document/i, /\bDESIGN[.]md/, /design[-]changes/];

/** The anchor of a heading, as GitHub makes it of its text: lower case, spaces to hyphens, punctuation left out. */
export function anchorOf(heading: string): string {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  return text
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

/** Anchors of all headings of a page in Markdown; those within code fences are none. A heading that comes again gets -1, -2, … */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  const prose = markdown.replace(/^(`{3,})[^\n]*\n[\s\S]*?^\1`*\s*$/gm, '');
  for (const [, heading] of prose.matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = anchorOf(heading as string);
    let unique = anchor;
    for (let again = 1; anchors.has(unique); again++) unique = `${anchor}-${again}`;
    anchors.add(unique);
  }
  return anchors;
}

/** All citations of the pages named, line by line; a page cites itself by links within it. */
export function findCitations(file: string, text: string, pages: ReadonlySet<string>): Citation[] {
  const own = /^docs\/([a-z-]+)\.md$/.exec(file)?.[1] ?? '';
  return text
    .split('\n')
    .flatMap((content, at) =>
      [
        ...[...content.matchAll(CITED)].map(([, page = '', anchor = '']) => ({ page, anchor })),
        ...[...content.matchAll(WITHIN)].map(([, anchor = '']) => ({ page: own, anchor })),
      ]
        .filter(({ page }) => pages.has(page))
        .map((cited) => ({ file, line: at + 1, ...cited })),
    );
}

/** Every line that cites what is gone, and every citation that leads to no heading of its page. */
export function checkCitations(
  files: Readonly<Record<string, string>>,
  pages: Readonly<Record<string, string>>,
): Refusal[] {
  const anchors = new Map(Object.entries(pages).map(([page, markdown]) => [page, anchorsOf(markdown)]));
  const known = new Set(anchors.keys());
  return Object.entries(files).flatMap(([file, text]) => [
    ...findGone(file, text),
    ...findCitations(file, text, known)
      .filter(({ page, anchor }) => anchors.get(page)?.has(anchor) !== true)
      .map(({ line, page, anchor }) => ({
        file,
        line,
        problem: `cites ${page}#${anchor}; docs/${page}.md has no such heading`,
      })),
  ]);
}

function findGone(file: string, text: string): Refusal[] {
  return text.split('\n').flatMap((content, at) => {
    const gone = GONE.map((pattern) => pattern.exec(content)?.[0]).find((found) => found !== undefined);
    const problem = `cites "${gone}"; cite a heading, as specification#record`;
    return gone === undefined ? [] : [{ file, line: at + 1, problem }];
  });
}
