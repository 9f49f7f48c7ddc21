import { askHolder } from '../../adapters/keys/holder/ask-holder.ts';
import type { HeldState } from '../../adapters/keys/holder/holder-protocol.ts';
import { type SocketPlace, socketPlaces } from '../../adapters/keys/holder/socket-place.ts';

/** Where a key holder of this home may listen, by this environment. */
export function placesOf(home: string): ReturnType<typeof socketPlaces> {
  // Sockets there have no owner and no mode that Node could look at.
  if (process.platform === 'win32') return { places: [], passedOver: null };
  return socketPlaces(home, process.env.XDG_RUNTIME_DIR);
}

/** What is unlocked of this home, and where its holder listens; null where nothing is. @throws as askHolder */
export async function findHolder(home: string): Promise<(HeldState & { readonly place: SocketPlace }) | null> {
  for (const place of placesOf(home).places) {
    const said = await askHolder(place, { ask: 'status' });
    if (said?.answer.state !== 'held') continue;
    const { state: _, ...held } = said.answer;
    return { ...held, place };
  }
  return null;
}
