import { pageHandler } from './page-handler.ts';

const { PLUMBLINE_PAGE_ORIGINS = '', PLUMBLINE_PAGE_PLACE = '{}' } = process.env;

/** What Lambda calls: the pages lie beside it. */
export const handler = pageHandler(import.meta.dirname, {
  origins: PLUMBLINE_PAGE_ORIGINS.split(',').filter((one) => one !== ''),
  place: PLUMBLINE_PAGE_PLACE,
});
