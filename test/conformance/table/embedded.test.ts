import { after } from 'node:test';
import { startDynalite } from '../../../local/stack/start-dynalite.ts';
import { createDynamoTarget } from './dynamo-target.ts';
import { tableConformance } from './suite.ts';

const dynalite = await startDynalite({ folder: null });
const { target, close } = await createDynamoTarget(dynalite.endpoint);
after(async () => {
  await close();
  await dynalite.stop();
});
tableConformance('dynalite', target);
