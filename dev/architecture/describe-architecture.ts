import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rooms } from '../gate/room.ts';
import { BLOCK_WAY, type Station } from './block-way.ts';

/** Rooms that look at all others and are looked at by none: they would hide the picture. */
const ASIDE = ['dev', 'test', 'examples'];

/**
 * The text of docs/architecture.md.
 * @param root the tree's folder, in which each station of a block's way is looked up
 * @throws Error when a station names what its file does not export
 */
export function describeArchitecture(rooms: Rooms, root: string): string {
  for (const station of BLOCK_WAY) requireStation(station, root);
  return `<!-- Made by dev/architecture/generate-architecture.ts from dev/gate/rooms.ts and dev/architecture/block-way.ts. -->

# Architecture

What each room is for, what it may import, and how a block moves through the rooms. The
[specification](specification.md) says what passes between the parts; the [glossary](glossary.md) explains the words.

## The rooms

An arrow leads from a room to one that it may import. A dotted arrow holds only for the files that \`dev/gate/rooms.ts\`
names. The picture is made from that list, and \`npm run check:imports\` refuses every other import, so it is complete. It leaves
out ${ASIDE.map((name) => `\`${name}/\``).join(', ')}, which import from all rooms.

\`\`\`mermaid
flowchart TD
${drawRooms(rooms).join('\n')}
\`\`\`

| Room | What it is |
|---|---|
${shown(rooms)
  .map((name) => `| \`${name}/\` | ${rooms[name]?.purpose} |`)
  .join('\n')}

Inside \`functions/\`, imports run downwards only: ${floors(rooms)} (\`dev/gate/floors.ts\`).

## The way of a block

\`\`\`mermaid
sequenceDiagram
  participant source
${[...new Set(BLOCK_WAY.map(({ where }) => where))].map((who) => `  participant ${who}`).join('\n')}
  participant storage
  participant chain
  source->>device: bytes
  device->>device: capture, seal, sign
  device->>storage: one segment
  storage->>service: it is there
  service->>storage: verify every block of it
  service->>chain: the head, alone or in a round
  device->>chain: is it final?
  device->>storage: prove a random chunk of every block
  owner->>storage: prove these blocks
  owner->>chain: which head is recorded?
\`\`\`

| Step | Who | What happens | Where |
|---|---|---|---|
${BLOCK_WAY.map((s) => `| ${s.step} | ${s.where} | ${s.does} | \`${s.name}\` in [${s.file}](../${s.file}) |`).join('\n')}

The [runbook](runbook.md) says what can go wrong on this way, who sees it, and what to do.
`;
}

/** Rooms of the picture: those with an entry that are not aside, in the order of the list. */
function shown(rooms: Rooms): string[] {
  return Object.keys(rooms).filter((name) => !ASIDE.includes(name) && !name.includes('.'));
}

/** The floors of functions/, from the top. */
function floors({ functions }: Rooms): string {
  return (functions?.floors ?? [])
    .map(({ name }) => name)
    .toReversed()
    .join(', ');
}

function drawRooms(rooms: Rooms): string[] {
  const names = shown(rooms);
  return names.flatMap((from) => {
    const targets = new Map<string, boolean>();
    for (const [place, allowed] of Object.entries(rooms[from]?.imports ?? {})) {
      const to = place.split('/')[0] ?? place;
      if (!names.includes(to) || to === from) continue;
      const isWhole = place === to && allowed === 'all';
      targets.set(to, isWhole || (targets.get(to) ?? false));
    }
    return [`  ${from}`, ...[...targets].map(([to, isWhole]) => `  ${from} ${isWhole ? '-->' : '-.->'} ${to}`)];
  });
}

function requireStation({ file, name, step }: Station, root: string): void {
  const text = readFileSync(join(root, file), 'utf8');
  if (new RegExp(`export (async )?function\\*? ${name}\\b`).test(text)) return;
  throw new Error(`${file} does not export ${name}, which dev/architecture/block-way.ts names at "${step}".`);
}
