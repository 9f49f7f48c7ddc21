/** Method and path of every function that is called over HTTP (design §6); what serves and what calls agree by this. */
export const ROUTES = {
  'upload-segment': { method: 'POST', path: '/v1/datasets/{dataset}/segments' },
  'list-batches': { method: 'GET', path: '/v1/datasets/{dataset}/batches' },
  'hash-blocks': { method: 'POST', path: '/v1/datasets/{dataset}/hashes' },
  'prove-chunks': { method: 'POST', path: '/v1/datasets/{dataset}/proofs' },
  'get-block': { method: 'GET', path: '/v1/datasets/{dataset}/blocks/{index}' },
  'get-segment': { method: 'GET', path: '/v1/datasets/{dataset}/segments/{first}' },
  'publish-segment': { method: 'POST', path: '/v1/datasets/{dataset}/segments/{first}/ipfs' },
  'get-records': { method: 'POST', path: '/v1/datasets/{dataset}/records' },
  'store-voucher': { method: 'POST', path: '/v1/agreements/{agreement}/vouchers' },
  'get-voucher': { method: 'GET', path: '/v1/agreements/{agreement}/vouchers' },
  'post-message': { method: 'POST', path: '/v1/agreements/{agreement}/messages' },
  'list-messages': { method: 'GET', path: '/v1/agreements/{agreement}/messages' },
  'get-openapi': { method: 'GET', path: '/v1/openapi.json' },
} as const;

export type RouteName = keyof typeof ROUTES;

/** The path of a route with its parameters filled in. They are hex or decimal, so nothing needs escaping. */
export function routePath(route: RouteName, parameters: Readonly<Record<string, string | number>>): string {
  return ROUTES[route].path.replace(/\{(\w+)\}/g, (_, name: string) => String(parameters[name]));
}

/** Those that may also be called by Lambda Invoke, with the same signed request. */
export const INVOCABLE: ReadonlySet<RouteName> = new Set<RouteName>(['hash-blocks', 'prove-chunks']);
