import { analyze } from '@typescript-eslint/scope-manager';
import { type MemberExpression, type Node, type Program, type VariableDeclarator, Visitor } from 'oxc-parser';
import type { GlobalAs, Use } from './use.ts';

/** The names that a file uses and does not bind, and the ways round such a list that a file might take. */
export function readGlobals(program: Program, lineOf: (offset: number) => number): Use[] {
  const uses: Use[] = [];
  const trick = (node: Node, target: string, why: string) =>
    uses.push({ kind: 'way round', line: lineOf(node.start), target, why });
  const usedAs = new Map<unknown, GlobalAs>();
  new Visitor({
    MemberExpression: (node) => {
      const member = memberOf(node);
      if (member !== null) usedAs.set(node.object, { how: 'member', member });
      if (member === 'constructor' || member === '__proto__') trick(node, `.${member}`, REACHES_ANYTHING);
    },
    TSQualifiedName: (node) => {
      usedAs.set(node.left, { how: 'member', member: node.right.name });
    },
    NewExpression: (node) => {
      const first = node.arguments[0];
      usedAs.set(node.callee, { how: 'new', withArguments: first !== undefined && first.type !== 'SpreadElement' });
    },
    ObjectPattern: (node) => {
      for (const property of node.properties) {
        if (property.type !== 'Property') continue;
        const key = property.key.type === 'Literal' ? property.key.value : 'name' in property.key && property.key.name;
        if (key === 'constructor' || key === '__proto__') trick(property, `.${key}`, REACHES_ANYTHING);
      }
    },
    VariableDeclaration: (node) => {
      if (node.declare === true && !node.declarations.every(isUniqueSymbol)) trick(node, 'declare', HIDES_A_NAME);
    },
    TSDeclareFunction: (node) => {
      if (node.declare === true) trick(node, 'declare', HIDES_A_NAME);
    },
    ClassDeclaration: (node) => {
      if (node.declare === true) trick(node, 'declare', HIDES_A_NAME);
    },
    TSModuleDeclaration: (node) => {
      trick(node, node.declare ? 'declare' : node.kind, HIDES_A_NAME);
    },
  }).visit(program);
  // The parser's tree is the one that the scope manager reads; their types do not know of each other.
  const tree = program as unknown as Parameters<typeof analyze>[0];
  const unbound = analyze(tree, { sourceType: 'module', lib: [] }).globalScope?.through ?? [];
  for (const { identifier, isValueReference } of unbound) {
    const as: GlobalAs = isValueReference ? (usedAs.get(identifier) ?? { how: 'whole' }) : { how: 'type' };
    uses.push({ kind: 'global', line: lineOf(identifier.range[0]), name: identifier.name, as });
  }
  return uses;
}

const REACHES_ANYTHING = 'From a constructor a file reaches whatever the machine has.';
const HIDES_A_NAME =
  'A declaration would hide the name from this check. Import what you need, or take it as an argument.';

function memberOf(node: MemberExpression): string | null {
  if (!node.computed) return node.property.name;
  return node.property.type === 'Literal' ? String(node.property.value) : null;
}

/** `declare const brand: unique symbol` marks types, and is how TypeScript wants it. */
function isUniqueSymbol({ id }: VariableDeclarator): boolean {
  const type = id.typeAnnotation?.typeAnnotation;
  return type?.type === 'TSTypeOperator' && type.operator === 'unique';
}
