import type { Command } from 'commander';
import { printable } from '../../client/printable.ts';
import { checkServable } from '../../client/sale/offer-blocks.ts';
import { ContentSummary, type Contents, UNKNOWN_CONTENTS } from '../../client/sale/summarise-contents.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { ArgumentError, FileError, PlumblineError, RequestRefusedError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import { type Description, descriptionText, signDescription } from '../../core/market/description.ts';
import type { AgreementMarket } from '../../core/ports/agreements.ts';
import type { MarketService } from '../../core/ports/service.ts';
import type { OpenedOwner } from '../../library/opened-owner.ts';
import type { Output } from '../output.ts';
import { readBoundedText } from '../read-bounded-file.ts';

/** What a person says of an offer. */
export interface DescriptionOptions {
  readonly title?: string;
  readonly describe?: string;
  readonly licence?: string;
  readonly contact?: string;
  /** False with --no-names. */
  readonly names: boolean;
}

const ABOUT_BOUND = { maxBytes: 8_192, ifLarger: 'Give a text file of at most 1,500 characters to --describe.' };

export function withDescriptionOptions(command: Command): Command {
  return command
    .option('--title <text>', 'title of the offer in the catalogue; publishes a signed description')
    .option('--describe <file>', 'details, from a text file of at most 1,500 characters')
    .option('--licence <text>', 'what a buyer may do with the data, e.g. CC-BY-4.0')
    .option('--contact <text>', 'how a buyer reaches you')
    .option('--no-names', "leave the files' names out of the description");
}

/**
 * The words of a description; null where no title is given. All is checked before an offer is made with it.
 * @throws ArgumentError naming what is too long or has no title, FileError when the file cannot be read
 */
export async function readDescription(
  { title, describe, licence, contact }: DescriptionOptions,
  request: Description['request'] = null,
): Promise<Description | null> {
  if (title === undefined) {
    if (describe === undefined && licence === undefined && contact === undefined) return null;
    throw new ArgumentError(
      'A description needs a title. Give --title, or leave out --describe, --licence and --contact.',
    );
  }
  const description: Description = {
    ...{ v: 1, title: title.normalize('NFC').trim(), about: describe === undefined ? null : await readAbout(describe) },
    ...{ licence: licence?.normalize('NFC').trim() ?? null, contact: contact?.normalize('NFC').trim() ?? null },
    ...{ ...UNKNOWN_CONTENTS, request },
  };
  descriptionText(description);
  return description;
}

/**
 * Looks whether storage has all that answers are made of, and adds up what it is on the way.
 * @throws as `checkServable`
 */
export async function checkContents(
  parts: Parameters<typeof checkServable>[0],
  terms: Terms,
  onProgress: (done: number) => void,
  signal: AbortSignal,
): Promise<ContentSummary> {
  const summary = new ContentSummary(terms);
  const fetchManifest: typeof parts.fetchManifest = async (...call) => {
    const manifest = await parts.fetchManifest(...call);
    if (manifest !== null) summary.add(manifest);
    return manifest;
  };
  for await (const done of checkServable({ ...parts, fetchManifest }, terms, signal)) onProgress(done);
  return summary;
}

/** A description with what is known of the blocks, as much of it as fits. */
export function withContents(description: Description, { contents, ...known }: Contents): Description {
  for (let shown = contents.length; ; shown--) {
    const moreNames = known.moreNames + contents.length - shown;
    const whole = { ...description, ...known, contents: contents.slice(0, shown), moreNames };
    try {
      descriptionText(whole);
      return whole;
    } catch (error) {
      if (!(error instanceof ArgumentError) || shown === 0) throw error;
    }
  }
}

/**
 * Signs a description and shows it to the service. The offer stands, whatever becomes of that.
 * @returns whether the service has it
 */
export async function showDescription(
  parts: {
    readonly market: Pick<AgreementMarket, 'domain'>;
    readonly service: Pick<MarketService, 'putDescription'>;
    readonly opened: Pick<OpenedOwner, 'privateKey'>;
    readonly output: Output;
  },
  id: AgreementId,
  description: Description,
  signal: AbortSignal,
): Promise<boolean> {
  const signed = signDescription(parts.market.domain, id, description, parts.opened.privateKey);
  try {
    await parts.service.putDescription(id, signed, signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PlumblineError)) throw error;
    const isRefused = error instanceof RequestRefusedError;
    const next = isRefused ? '' : ` Try again: plumb owner describe ${id} --title …`;
    parts.output.notice(
      `The offer is made, but the service did not accept its description: ${printable(error.shortMessage)}${next}`,
    );
    return false;
  }
}

async function readAbout(path: string): Promise<string> {
  const text = await readBoundedText(path, ABOUT_BOUND);
  const about = text.normalize('NFC').replaceAll('\r\n', '\n').replaceAll('\t', ' ').trim();
  if (about === '') throw new FileError(`${path} is empty.`);
  return about;
}
