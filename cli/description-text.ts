import type { Description } from '../core/market/description.ts';

/** What an owner says of an offer, for people. Its texts have no characters that move or hide what is shown. */
export function descriptionLines(description: Description): string[] {
  const { title, about, period, sizeBytes, contents, moreNames, licence, contact, request } = description;
  const names = contents.map(({ name, blocks, sizeBytes: bytes }) => `${name} (${blocks}; ${bytesText(bytes)})`);
  const more = moreNames === 0 ? [] : [`${moreNames} more`];
  return [
    `  described   ${title}${licence === null ? '' : `, ${licence}`}`,
    ...(about === null ? [] : about.split('\n').map((line) => `              ${line}`)),
    ...(period === null ? [] : [`  period      ${utc(period.fromMs)} to ${utc(period.toMs)}`]),
    ...(sizeBytes === null ? [] : [`  size        ${bytesText(sizeBytes)}`]),
    ...(names.length === 0 ? [] : [`  holds       ${[...names, ...more].join(', ')}`]),
    ...(contact === null ? [] : [`  contact     ${contact}`]),
    ...(request === null ? [] : [`  answers     request ${request.slice(0, 10)}`]),
  ];
}

/** A time of a signed text, to the second. */
export function utc(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Bytes to three digits. */
export function bytesText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toPrecision(3)} ${UNITS[power]}`;
}
