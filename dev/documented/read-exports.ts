import { type ClassBody, type Comment, type Declaration, type Node, parseSync, Visitor } from 'oxc-parser';

/** An exported function or class, and what its documentation says. */
export interface DocumentedExport {
  readonly name: string;
  readonly line: number;
  /** Of the comment before it; empty where there is none. */
  readonly doc: string;
  /** An error class is documented by its name and is no operation. */
  readonly isError: boolean;
  /** Whether it throws by itself, in words, or by a function of the same file that it calls. */
  readonly throws: boolean;
  /** Names that it calls and that are imported, by itself or by a function of the same file. */
  readonly calls: readonly string[];
}

/** What a file exports and imports, as far as documentation is concerned. */
export interface ReadExports {
  readonly exports: readonly DocumentedExport[];
  /** The module and the name there behind each imported name. */
  readonly imports: ReadonlyMap<string, { readonly from: string; readonly name: string }>;
}

interface Body {
  readonly throws: boolean;
  readonly calls: ReadonlySet<string>;
}

/**
 * Reads the functions and classes that a file exports, and what may come out of them as an error.
 * @throws Error when the file does not parse
 */
export function readExports(path: string, text: string): ReadExports {
  const { program, comments, errors } = parseSync(path, text, { astType: 'ts', range: true, preserveParens: false });
  if (errors[0] !== undefined) throw new Error(`${path} does not parse: ${errors[0].message}`);
  const bodies = new Map<string, Body>();
  const imports = new Map<string, { from: string; name: string }>();
  const found: { readonly name: string; readonly start: number; readonly isError: boolean }[] = [];
  for (const statement of program.body) {
    if (statement.type === 'ImportDeclaration') {
      for (const one of statement.specifiers) {
        if (one.type !== 'ImportSpecifier') continue;
        const name = one.imported.type === 'Identifier' ? one.imported.name : one.imported.value;
        imports.set(one.local.name, { from: statement.source.value, name });
      }
      continue;
    }
    const isExport = statement.type === 'ExportNamedDeclaration';
    const declared = isExport ? statement.declaration : (statement as Node);
    for (const { name, node, isError, start } of operationsOf(declared as Declaration | null)) {
      bodies.set(name, bodyOf(node));
      if (isExport) found.push({ name, isError, start: start ?? statement.start });
    }
  }
  const exports = found
    .filter(({ name }) => !name.startsWith('#'))
    .map(({ name, start, isError }) => {
      const { throws, calls } = reach(name, bodies);
      const doc = docBefore(start, text, comments);
      const line = text.slice(0, start).split('\n').length;
      return { name, line, doc, isError, throws, calls: [...calls].filter((one) => imports.has(one)) };
    });
  return { exports, imports };
}

interface Operation {
  /** Of a method `Class.method`. */
  readonly name: string;
  readonly node: Node;
  readonly isError: boolean;
  /** Where it begins, if not with its statement. */
  readonly start?: number;
}

function operationsOf(declared: Declaration | null): Operation[] {
  if (declared?.type === 'FunctionDeclaration' && declared.id !== null && declared.body !== null) {
    return [{ name: declared.id.name, node: declared.body, isError: false }];
  }
  if (declared?.type === 'ClassDeclaration' && declared.id !== null) {
    const parent = declared.superClass;
    const isError = parent?.type === 'Identifier' && parent.name.endsWith('Error');
    return classOf(declared.id.name, declared.body, isError);
  }
  if (declared?.type !== 'VariableDeclaration') return [];
  return declared.declarations.flatMap(({ id, init }) =>
    id.type === 'Identifier' && init?.type === 'ArrowFunctionExpression'
      ? [{ name: id.name, node: init.body, isError: false }]
      : [],
  );
}

/** A class is what its constructor does; its methods, private ones too, are operations of their own. */
function classOf(name: string, body: ClassBody, isError: boolean): Operation[] {
  const methods = body.body.flatMap((one): Operation[] => {
    if (one.type !== 'MethodDefinition' || one.value.body === null) return [];
    const { key } = one;
    if (key.type !== 'Identifier' && key.type !== 'PrivateIdentifier') return [];
    const isMade = one.kind === 'constructor';
    const of = isMade ? name : key.type === 'PrivateIdentifier' ? `#${key.name}` : `${name}.${key.name}`;
    return [{ name: of, node: one.value.body, isError, ...(isMade ? {} : { start: one.start }) }];
  });
  if (methods.some((one) => one.name === name)) return methods;
  return [{ name, node: { ...body, body: [] }, isError }, ...methods];
}

/** What happens when it is called: what a function that it makes would do, once called, is that one's own. */
function bodyOf(body: Node): Body {
  const calls = new Set<string>();
  let throws = false;
  let depth = 0;
  const enter = (): void => void depth++;
  const leave = (): void => void depth--;
  const caught: [start: number, end: number][] = [];
  const escapes = (at: number): boolean => depth === 0 && !caught.some(([start, end]) => start <= at && at < end);
  new Visitor({
    FunctionExpression: enter,
    'FunctionExpression:exit': leave,
    FunctionDeclaration: enter,
    'FunctionDeclaration:exit': leave,
    ArrowFunctionExpression: enter,
    'ArrowFunctionExpression:exit': leave,
    TryStatement: ({ block, handler }) => {
      if (handler !== null) caught.push([block.start, block.end]);
    },
    ThrowStatement: ({ argument, start }) => {
      // What was caught and is thrown on was told where it came from.
      if (escapes(start) && argument.type === 'NewExpression') throws = true;
    },
    CallExpression: ({ callee, start }) => {
      if (!escapes(start)) return;
      if (callee.type === 'Identifier') calls.add(callee.name);
      else if (callee.type === 'MemberExpression' && callee.property.type === 'PrivateIdentifier') {
        calls.add(`#${callee.property.name}`);
      }
    },
  }).visit(wrap(body));
  return { throws, calls };
}

function wrap(body: Node): Parameters<Visitor['visit']>[0] {
  return { type: 'Program', body: [body], sourceType: 'module', hashbang: null, comments: [] } as unknown as Parameters<
    Visitor['visit']
  >[0];
}

function reach(name: string, bodies: ReadonlyMap<string, Body>): Body {
  const calls = new Set<string>();
  const seen = new Set<string>();
  const left = [name];
  let throws = false;
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const body = bodies.get(next);
    if (body === undefined) {
      calls.add(next);
      continue;
    }
    if (seen.has(next)) continue;
    seen.add(next);
    throws ||= body.throws;
    left.push(...body.calls);
  }
  return { throws, calls };
}

function docBefore(start: number, text: string, comments: readonly Comment[]): string {
  const comment = comments.findLast(({ end }) => end <= start);
  if (comment?.type !== 'Block' || !comment.value.startsWith('*')) return '';
  return text.slice(comment.end, start).trim() === '' ? comment.value : '';
}
