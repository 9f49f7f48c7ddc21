const TYPES: Readonly<Record<string, string>> = {
  bin: 'application/octet-stream',
  cbor: 'application/cbor',
  csv: 'text/csv',
  geojson: 'application/geo+json',
  gz: 'application/gzip',
  htm: 'text/html',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  jsonl: 'application/jsonl',
  log: 'text/plain',
  md: 'text/markdown',
  mp4: 'video/mp4',
  ndjson: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
  pdf: 'application/pdf',
  png: 'image/png',
  tsv: 'text/tab-separated-values',
  txt: 'text/plain',
  wav: 'audio/wav',
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  zip: 'application/zip',
};

/** Media type by a name's ending, or null when that says nothing. */
export function mediaType(name: string): string | null {
  const ending = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase();
  return (ending !== undefined && Object.hasOwn(TYPES, ending) ? TYPES[ending] : null) ?? null;
}
