import { checkFile } from './check-file.ts';
import { remedyOfGlobal, remedyOfPackage } from './find-remedy.ts';
import { type GlobalUse, type House, isFor, isIn, list, type Room, roomOf } from './room.ts';
import { type GlobalAs, nameOf, type Use } from './use.ts';

/** Why a use is refused to a file of that room, in words; null when it is allowed. */
export function checkUse(house: House, room: Room, path: string, use: Use): string | null {
  const name = roomOf(path);
  switch (use.kind) {
    case 'file':
      return checkFile(house, path, room, use.target);
    case 'found file': {
      const places = [name, ...(room.finds ?? [])];
      if (places.some((place) => isIn(use.target, place))) return null;
      return `finds ${use.target}. ${name}/ may find files in ${list(places)} alone.`;
    }
    case 'package':
      return checkPackage(house, path, room, use);
    case 'global':
      return checkGlobal(name, room, use);
    case 'import.meta':
      if (room.finds !== undefined) return null;
      return `uses import.meta. ${name}/ may not look at where it lies. Take the path or the content as an argument.`;
    case 'run-time path':
      if (isFor(room.loads, path)) return null;
      return `imports ${use.target}. In ${name}/ ${room.loads ? list(room.loads) : 'no file'} may. ${use.why}`;
    case 'comment':
      return `imports ${use.target}. ${use.why}`;
    case 'way round':
      return room.globals === 'all' ? null : `uses ${use.target}. ${name}/ has a list of names. ${use.why}`;
  }
}

function checkPackage(
  { rooms }: House,
  path: string,
  room: Room,
  use: Extract<Use, { kind: 'package' }>,
): string | null {
  const { target, typeOnly } = use;
  const [here, typesHere] = [room.packages[target], room.types?.[target]];
  if (isFor(here, path) || (typeOnly && isFor(typesHere, path))) return null;
  const name = roomOf(path);
  if (here !== undefined) return `imports ${target}. In ${name}/ it is for ${list(here)} alone.`;
  if (typesHere !== undefined)
    return `imports ${target}. In ${name}/ it is for \`import type\` in ${list(typesHere)} alone.`;
  const holders = Object.keys(rooms).filter(
    (other) => other !== 'test' && rooms[other]?.packages[target] !== undefined,
  );
  const who = holders.length === 0 ? 'which no room has' : `which is for ${list(holders)}`;
  return `imports ${target}, ${who}. ${name}/ may not: it is ${room.purpose}. ${remedyOfPackage(target)}`;
}

function checkGlobal(name: string, room: Room, use: Extract<Use, { kind: 'global' }>): string | null {
  if (room.globals === 'all') return null;
  const allowed = room.globals[use.name];
  if (isAllowed(allowed, use.as)) return null;
  return `uses ${nameOf(use)}. ${name}/ may use ${inWords(use.name, allowed)}. ${remedyOfGlobal(use.name)}`;
}

function isAllowed(allowed: GlobalUse | undefined, as: GlobalAs): boolean {
  if (allowed === undefined) return false;
  if (allowed === 'free' || as.how === 'type') return true;
  if (allowed === 'type') return false;
  if (as.how === 'member') return allowed.members.includes(as.member);
  return as.how === 'new' && as.withArguments && allowed.construct !== undefined;
}

function inWords(name: string, allowed: GlobalUse | undefined): string {
  if (allowed === undefined || allowed === 'free') return `no ${name}`;
  if (allowed === 'type') return `${name} as a type alone`;
  const some = allowed.members.slice(0, 4).map((member) => `${name}.${member}`);
  if (allowed.members.length > some.length) some.push('the others in dev/gate/globals.ts');
  if (allowed.construct !== undefined) some.push(`new ${name}(…) with arguments`);
  return `${some.join(', ')} alone`;
}
