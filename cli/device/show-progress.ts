import { counted } from '../../core/counted.ts';
import type { DeviceEvent, Report } from '../../device/events.ts';
import { scanningText } from '../../device/sources/watch-directory.ts';
import { heldUpText } from '../held-up-text.ts';
import { jsonLine } from '../json-line.ts';
import type { Output } from '../output.ts';
import { showBytes } from './parse-units.ts';
import { showName } from './show-name.ts';
import { secondWriterText, shortenedText, waitText } from './wait-text.ts';

/**
 * How a running device speaks: one updating line and what is out of the ordinary on a terminal, one JSON line an event
 * everywhere else.
 */
export function showProgress(output: Output, live: boolean): Report {
  if (!live) return (event) => process.stdout.write(jsonLine(event));
  const counts = { captured: 0, sealed: 0, stored: 0, recorded: 0, final: 0, checked: 0, waitingBytes: 0 };
  return (event) => {
    count(counts, event);
    const notice = describe(event);
    if (notice !== null) output.notice(notice);
    output.progress(
      `captured ${counts.captured}  sealed ${counts.sealed}  stored ${counts.stored}  recorded ${counts.recorded}  ` +
        `final ${counts.final}  checked ${counted(counts.checked, 'block')}  (${showBytes(Math.max(0, counts.waitingBytes))} here)`,
    );
  };
}

interface Counts {
  captured: number;
  sealed: number;
  stored: number;
  recorded: number;
  final: number;
  checked: number;
  waitingBytes: number;
}

function count(counts: Counts, event: DeviceEvent): void {
  switch (event.event) {
    case 'captured':
      counts.captured += event.blocks;
      counts.waitingBytes += event.bytes;
      break;
    case 'sealed':
      counts.sealed += event.blocks;
      break;
    case 'stored':
      counts.stored += event.blocks;
      counts.waitingBytes -= event.bytes;
      break;
    case 'recorded':
    case 'final':
      counts[event.event] = event.blocks;
      break;
    case 'checked':
      counts.checked += event.blocks;
      break;
  }
}

/** What a person should read; null for the ordinary. */
function describe(event: DeviceEvent): string | null {
  switch (event.event) {
    case 'started':
      return `Dataset ${event.dataset}\nAccount ${event.account}. Ctrl-C stops the device; captured data is kept.`;
    case 'retry':
      return `${event.step}: ${event.reason} Next try in ${Math.ceil(event.inMs / 1000)} s.`;
    case 'adopted':
      return `Adopted ${counted(event.blocks, 'block')}, recorded or stored earlier; this outbox already had ${event.known} of them.`;
    case 'resealed':
      return `Sealing ${counted(event.blocks, 'block')} again, from block ${event.from} on, because another batch took their place in the log.`;
    case 'held':
      return `Sealing has stopped for now. ${event.reason}`;
    case 'full':
      return `The outbox is full (${showBytes(event.usedBytes)} of ${showBytes(event.maxBytes)}). The source has to wait.`;
    case 'gap':
      return `The outbox is full: ${event.blocks} of the oldest blocks (${showBytes(event.bytes)}) were dropped, and a note in the log says so.`;
    case 'damaged':
      return `This disk has damaged ${counted(event.blocks, 'captured block')} (${showBytes(event.bytes)}). The device set ${event.blocks === 1 ? 'it' : 'them'} aside, and a note in the log says so. The disk may be failing.`;
    case 'missing':
      return `The batch at block ${event.first} was uploaded, but the storage does not have it. It is being uploaded again.`;
    case 'waiting':
      return waitText(event, Date.now());
    case 'shortened':
      return shortenedText(event.blocks);
    case 'second-writer':
      return secondWriterText(event);
    case 'skipped':
      return `${showName(event.what)} is not captured: ${event.reason}`;
    case 'scanning':
      return scanningText(event);
    case 'anchorer':
      return event.anchorer === null
        ? 'The owner has chartered this dataset to direct records.'
        : `The owner has chartered this dataset to the rounds of ${event.anchorer}.`;
    case 'sent':
      return `Sent the log's head (${counted(event.blocks, 'block')}) to the chain in transaction ${event.tx}.`;
    case 'held-up':
      return heldUpText(event.heldUp);
    case 'source-complete':
      return 'The source has ended.';
    case 'stopped':
      return event.unsealedBlocks === null
        ? 'Stopped. The outbox cannot be read, so what it holds is not known.'
        : `Stopped: ${counted(event.unsealedBlocks, 'block')} unsealed, ${counted(event.pendingBatches ?? 0, 'batch')} under way.`;
    default:
      return null;
  }
}
