/** Whom a thing is allowed to: the whole room, or the folders and files named. */
export type For = 'all' | readonly string[];

/** How a name that the file does not bind itself may be used. */
export type GlobalUse =
  | 'free'
  | 'type'
  | { readonly members: readonly string[]; readonly construct?: 'with arguments' };

/** The names, and what may be done with each. What is not here is refused. */
export type Globals = Readonly<Record<string, GlobalUse>>;

/** A level of a room. Its files import their own level and those below it. */
export interface Floor {
  readonly name: string;
  /** Folders and files. A file is on the floor that names it most closely. */
  readonly at: readonly string[];
}

/** What one room of the house may use. */
export interface Room {
  /** What belongs here; said to whoever is refused. */
  readonly purpose: string;
  /** Rooms, folders and files outside it that it imports. */
  readonly imports: Readonly<Record<string, For>>;
  /** Packages by the exact words of the import. */
  readonly packages: Readonly<Record<string, For>>;
  /** Packages of which it uses types alone. */
  readonly types?: Readonly<Record<string, For>>;
  readonly globals: Globals | 'all';
  /** Folders and files outside it that it finds from `import.meta`, which is refused without this. `'.'` is all of them. */
  readonly finds?: readonly string[];
  /** Files that import by a path made at run time, which this check cannot follow. */
  readonly loads?: readonly string[];
  /** From the ground upwards. */
  readonly floors?: readonly Floor[];
}

export type Rooms = Readonly<Record<string, Room>>;

/** What the check knows of the whole house. */
export interface House {
  readonly rooms: Rooms;
  /** Every file of the tree, so that a path to none is seen. */
  readonly paths: ReadonlySet<string>;
}

/** Packages that a whole room may import. */
export function everywhere(...packages: string[]): Record<string, For> {
  return Object.fromEntries(packages.map((name) => [name, 'all']));
}

/** Whether a file is the place named, or lies in it. */
export function isIn(path: string, place: string): boolean {
  return place === '.' || path === place || path.startsWith(`${place}/`);
}

/** The folder at the top that a file lies in, or the file when it lies at the top itself. */
export function roomOf(path: string): string {
  return path.split('/')[0] ?? path;
}

/** Whether an entry of a list holds for a file. */
export function isFor(allowed: For | undefined, path: string): boolean {
  return allowed === 'all' || (allowed?.some((place) => isIn(path, place)) ?? false);
}

/** Places for a sentence; a folder has a stroke behind it. */
export function list(places: For): string {
  if (places === 'all') return 'the whole room';
  return places.map((place) => (place.includes('.') ? place : `${place}/`)).join(', ');
}
