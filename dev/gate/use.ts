/** What a file takes from outside itself. */
export type Use = { readonly line: number } & (
  | { readonly kind: 'file'; readonly target: string }
  | { readonly kind: 'found file'; readonly target: string }
  | { readonly kind: 'package'; readonly target: string; readonly typeOnly: boolean }
  | { readonly kind: 'global'; readonly name: string; readonly as: GlobalAs }
  | { readonly kind: 'import.meta' }
  | { readonly kind: 'run-time path' | 'comment' | 'way round'; readonly target: string; readonly why: string }
);

/** How a name is used: as a type, through one member, by `new`, or as a value that may go anywhere. */
export type GlobalAs =
  | { readonly how: 'type' | 'whole' }
  | { readonly how: 'member'; readonly member: string }
  | { readonly how: 'new'; readonly withArguments: boolean };

/** A file of the tree, read. */
export interface ReadSource {
  readonly path: string;
  readonly uses: readonly Use[];
}

/** What a use is called in messages. */
export function nameOf(use: Use): string {
  if (use.kind === 'import.meta') return use.kind;
  if (use.kind !== 'global') return use.target;
  if (use.as.how === 'member') return `${use.name}.${use.as.member}`;
  if (use.as.how === 'new' && !use.as.withArguments) return `new ${use.name}()`;
  return use.name;
}
