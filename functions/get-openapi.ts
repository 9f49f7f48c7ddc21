import middy from '@middy/core';
import { utf8 } from '../core/bytes.ts';
import { bytesAnswer } from './answer/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import { describeService } from './openapi/describe-service.ts';
import { writeDocument } from './openapi/write-document.ts';
import type { PortsOf } from './ports.ts';
import { admitAnyone } from './rights/admit-anyone.ts';
import { getOpenapiRow as row } from './table.ts';

/** The description of this service: byte for byte `docs/openapi.json`, made from the table that it runs by. */
export const handlerFor = (ports: PortsOf<typeof row>) => {
  let bytes: Uint8Array | null = null;
  return middy(async (_call: Call<typeof row, null>) => {
    bytes ??= utf8(writeDocument(describeService()));
    return bytesAnswer(bytes, { 'content-type': 'application/json' });
  }).use(httpMiddleware(ports, row, admitAnyone(row)));
};
