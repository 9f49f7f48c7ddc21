/** Where the reader is, as the address says behind its `#`. */
export type Route =
  | { readonly view: 'overview' }
  | { readonly view: 'fleet' }
  | { readonly view: 'rounds' }
  | { readonly view: 'agreements' }
  | { readonly view: 'sign-in' }
  | { readonly view: 'belief' }
  | { readonly view: 'dataset'; readonly dataset: string }
  | { readonly view: 'block'; readonly dataset: string; readonly index: number };

const PLAIN = ['fleet', 'rounds', 'agreements', 'sign-in', 'belief'] as const;
const DATASET = /^0x[0-9a-f]{64}$/;

/** The view of an address; the overview for one that leads nowhere. */
export function routeOf(hash: string): Route {
  const parts = hash.replace(/^#\/?/, '').toLowerCase().split('/');
  const [view = '', dataset = '', block, index = ''] = parts;
  const plain = PLAIN.find((name) => name === view);
  if (plain !== undefined && parts.length === 1) return { view: plain };
  if (view !== 'dataset' || !DATASET.test(dataset)) return { view: 'overview' };
  if (block === undefined) return { view: 'dataset', dataset };
  if (block === 'block' && /^[0-9]{1,15}$/.test(index)) return { view: 'block', dataset, index: Number(index) };
  return { view: 'dataset', dataset };
}

export function hashOf(route: Route): string {
  if (route.view === 'overview') return '#/';
  if (route.view === 'dataset') return `#/dataset/${route.dataset}`;
  if (route.view === 'block') return `#/dataset/${route.dataset}/block/${route.index}`;
  return `#/${route.view}`;
}
