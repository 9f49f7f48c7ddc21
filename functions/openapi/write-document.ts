const LINE_CHARS = 120;
const INDENT = '  ';

/**
 * JSON as the repository's formatter leaves it: objects a member a line, lists of plain values on one line where they fit.
 * What is served, what lies in `docs/` and what the check compares are these bytes.
 */
export function writeDocument(value: unknown): string {
  return `${write(value, '', 0)}\n`;
}

/** `before` is how much of the line is taken, and what may have to follow on it. */
function write(value: unknown, indent: string, before: number): string {
  if (Array.isArray(value)) return writeList(value, indent, before);
  if (typeof value === 'object' && value !== null) return writeObject(value, indent);
  return JSON.stringify(value);
}

function writeObject(value: object, indent: string): string {
  const inner = indent + INDENT;
  const lines = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => {
      const start = `${inner}${JSON.stringify(name)}: `;
      return `${start}${write(member, inner, start.length + 1)}`;
    });
  return lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n${indent}}`;
}

function writeList(values: readonly unknown[], indent: string, before: number): string {
  const inner = indent + INDENT;
  if (values.every((value) => typeof value !== 'object' || value === null)) {
    const line = `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;
    if (before + line.length <= LINE_CHARS) return line;
  }
  return `[\n${values.map((value) => `${inner}${write(value, inner, inner.length + 1)}`).join(',\n')}\n${indent}]`;
}
