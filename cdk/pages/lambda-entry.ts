import { pageHandler } from './page-handler.ts';

const origins = (process.env.PLUMBLINE_PAGE_ORIGINS ?? '').split(',').filter((one) => one !== '');

/** What Lambda calls: the pages lie beside it. */
export const handler = pageHandler(import.meta.dirname, origins);
