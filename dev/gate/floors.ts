import type { Floor } from './room.ts';

/**
 * The floors of `functions/`, from the ground up: a file imports its own floor and those below, never one above. What is
 * named nowhere else stands on the highest, with the handlers.
 */
export const FLOORS_OF_FUNCTIONS: readonly Floor[] = [
  { name: 'data', at: ['functions/answer', 'functions/row.ts', 'functions/table.ts'] },
  { name: 'ports', at: ['functions/ports.ts', 'functions/observe'] },
  { name: 'state', at: ['functions/state'] },
  { name: 'log', at: ['functions/log', 'functions/rounds'] },
  { name: 'rights', at: ['functions/rights'] },
  { name: 'operations', at: ['functions/agreement', 'functions/anchor', 'functions/ingest', 'functions/read'] },
  { name: 'middleware', at: ['functions/events', 'functions/http', 'functions/openapi'] },
  { name: 'handlers', at: ['functions'] },
];
