import { type Argument, type Expression, type Node, type ParseResult, parseSync, Visitor } from 'oxc-parser';
import { readGlobals } from './read-globals.ts';
import { resolveTarget } from './resolve-target.ts';
import type { ReadSource, Use } from './use.ts';

/**
 * Reads what a file takes from outside itself: modules by every way there is to name one, files that it finds from its
 * own place, and the names that it does not bind.
 * @throws Error when the file does not parse
 */
export function readSource(path: string, text: string): ReadSource {
  const parsed = parseSync(path, text, { astType: 'ts', range: true, preserveParens: false });
  if (parsed.errors[0] !== undefined) throw new Error(`${path} does not parse: ${parsed.errors[0].message}`);
  const lineOf: LineOf = (offset) => text.slice(0, offset).split('\n').length;
  const uses: Use[] = [...readModules(path, parsed, lineOf), ...readGlobals(parsed.program, lineOf)];
  return { path, uses: uses.sort((a, b) => a.line - b.line) };
}

type LineOf = (offset: number) => number;

function readModules(path: string, { program, comments }: ParseResult, lineOf: LineOf): Use[] {
  const uses: Use[] = [];
  const named = (node: Node, source: Node | undefined, typeOnly = false, way: 'import' | 'find' = 'import') => {
    const text = literal(source);
    const line = lineOf(node.start);
    if (text !== null) uses.push({ ...resolveTarget(path, text, way, typeOnly), line });
    else
      uses.push({ kind: 'run-time path', line, target: 'a path made at run time', why: 'Name it in a plain string.' });
  };
  const found = (node: Node, target: Node | undefined) => {
    const text = literal(target);
    if (text !== null && !/^[a-z]+:/.test(text)) named(node, target, false, 'find');
  };
  for (const comment of comments) {
    if (!/^\/\s*<(reference|amd)/.test(comment.value)) continue;
    uses.push({ kind: 'comment', line: lineOf(comment.start), target: 'a file by a comment', why: 'Import it.' });
  }
  new Visitor({
    ImportDeclaration: (node) => named(node, node.source, node.importKind === 'type'),
    ExportAllDeclaration: (node) => named(node, node.source, node.exportKind === 'type'),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) named(node, node.source, node.exportKind === 'type');
    },
    ImportExpression: (node) => named(node, node.source),
    TSImportType: (node) => named(node, node.source, true),
    TSExternalModuleReference: (node) => named(node, node.expression),
    MetaProperty: (node) => {
      if (node.meta.name === 'import') uses.push({ kind: 'import.meta', line: lineOf(node.start) });
    },
    NewExpression: (node) => {
      if (isName(node.callee, 'URL') && startsHere(node.arguments[1])) found(node, node.arguments[0]);
    },
    CallExpression: (node) => {
      const { callee, arguments: given } = node;
      const required = isName(callee, 'require') || (isMember(callee, 'resolve') && isName(callee.object, 'require'));
      const made = isMember(callee, 'resolve') ? callee.object : callee;
      if (required) named(node, given[0]);
      else if (isMember(callee, 'resolve') && isMeta(callee.object)) found(node, given[0]);
      else if (made.type === 'CallExpression' && isName(made.callee, 'createRequire') && literal(given[0]) !== null) {
        named(node, given[0]);
      } else if (isMember(callee, 'getBuiltinModule') && literal(given[0]) !== null) named(node, given[0]);
      else if (isName(callee, 'join') && startsHere(given[0])) {
        const parts = given.slice(1).map(literal);
        if (parts.length === 0 || parts.includes(null)) return;
        uses.push({ ...resolveTarget(path, `./${parts.join('/')}`, 'find', false), line: lineOf(node.start) });
      }
    },
  }).visit(program);
  return uses;
}

/** The text of a string, or of a template without anything put into it. */
function literal(node: Node | undefined): string | null {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0) return node.quasis[0]?.value.cooked ?? null;
  return null;
}

function isName(node: Node, name: string): boolean {
  return node.type === 'Identifier' && node.name === name;
}

function isMember(node: Expression, name: string): node is Extract<Expression, { type: 'MemberExpression' }> {
  return node.type === 'MemberExpression' && !node.computed && node.property.name === name;
}

function isMeta(node: Node): boolean {
  return node.type === 'MetaProperty' && node.meta.name === 'import';
}

function startsHere(node: Argument | undefined): boolean {
  return node?.type === 'MemberExpression' && isMeta(node.object);
}
