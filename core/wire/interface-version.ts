/** Version of the service's HTTP interface, as `docs/openapi.json` names it. */
export const INTERFACE_VERSION = '1.0.0';
