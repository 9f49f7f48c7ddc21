import { Wallet } from 'ethers';
import { gatewayEventFromRequest } from '../../adapters/http-signature/gateway-event.ts';
import { createRequestSigner } from '../../adapters/http-signature/sign-request.ts';
import { to0x } from '../../core/bytes.ts';
import type { HttpAnswer } from '../../functions/answer/problem.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { RouteName } from '../../functions/table.ts';
import { httpRows } from '../../functions/table.ts';
import { handlerOf } from '../functions/handler-of.ts';
import { DOMAIN, key } from '../functions/start-service.ts';

const ORIGIN = 'https://api.plumbline.example';

export interface Answer extends HttpAnswer {
  readonly text: string;
}

/** Calls functions as a client of the document would: a signed request for a path, with a body as it is given. */
export function createCaller(ports: ServicePorts) {
  const wallet = new Wallet(to0x(key()));
  const signer = createRequestSigner((message) => wallet.signMessage(message), {
    ...{ address: wallet.address, chainId: DOMAIN.chainId },
  });
  const handlers = new Map<RouteName, (event: unknown, context: object) => Promise<HttpAnswer>>();
  return async (name: RouteName, path: string, body?: Uint8Array): Promise<Answer> => {
    const handler = handlers.get(name) ?? (await handlerOf<HttpAnswer>(name, ports));
    handlers.set(name, handler);
    const { method } = httpRows[name].trigger;
    const url = `${ORIGIN}${path}`;
    const request = await signer.signRequest({ method, url, ...(body === undefined ? {} : { body }) });
    const answer = await handler(gatewayEventFromRequest(request), { getRemainingTimeInMillis: () => 10_000 });
    const text = Buffer.from(answer.body, answer.isBase64Encoded ? 'base64' : 'utf8').toString('utf8');
    return { ...answer, text };
  };
}
