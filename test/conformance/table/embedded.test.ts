import { after } from 'node:test';
import { startDynalite } from '../../../local/stack/start-dynalite.ts';
import { MemoryTable } from '../../functions/memory-table.ts';
import { createDynamoTarget } from './dynamo-target.ts';
import { tableConformance, tableFidelity, tableOutages } from './suite.ts';

const dynalite = await startDynalite({ folder: null });
const memory = new MemoryTable();
const { target, close } = await createDynamoTarget(dynalite.endpoint);
after(async () => {
  await close();
  await dynalite.stop();
});
tableConformance('dynalite', target);
tableFidelity('dynalite', target, true);
tableOutages('dynalite', target);
tableConformance('the functions’ tests', { table: () => memory });
tableFidelity('the functions’ tests', { table: () => memory });
