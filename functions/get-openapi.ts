import middy from '@middy/core';
import { utf8 } from '../core/bytes.ts';
import { bytesAnswer } from './http/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import { describeService } from './openapi/describe-service.ts';
import { writeDocument } from './openapi/write-document.ts';
import type { ServicePorts } from './ports.ts';
import { lazyHandler } from './ports-from-env.ts';
import { httpRows } from './table.ts';

const row = httpRows['get-openapi'];

/** The description of this service: byte for byte `docs/openapi.json`, made from the table that it runs by. */
export const handlerFor = (ports: ServicePorts) => {
  let bytes: Uint8Array | null = null;
  return middy(async (_call: Call<typeof row>) => {
    bytes ??= utf8(writeDocument(describeService()));
    return bytesAnswer(bytes, { 'content-type': 'application/json' });
  }).use(httpMiddleware(ports, row));
};

export const handler = lazyHandler(row);
