import { after, before, describe } from 'node:test';
import { makeBench } from './bench.ts';
import { bindPresigned } from './bind-presigned.ts';
import { checkBodies } from './check-bodies.ts';
import { checkSignatures } from './check-signatures.ts';
import { holdConditions } from './hold-conditions.ts';
import { keepObjects } from './keep-objects.ts';
import { listKeys } from './list-keys.ts';
import { readRanges } from './read-ranges.ts';
import { refuseClimbing } from './refuse-climbing.ts';
import { refuseStrangers } from './refuse-strangers.ts';
import { surviveKill } from './survive-kill.ts';
import type { ObjectStoreTarget } from './target.ts';

/** Registers the tests that every object store of ours passes, embedded or real. */
export function objectStoreSuite(target: ObjectStoreTarget): void {
  describe(`object store: ${target.name}`, { timeout: 180_000 }, () => {
    const bench = makeBench(target);
    before(() => bench.start());
    after(() => bench.stop());
    keepObjects(bench);
    checkBodies(bench);
    checkSignatures(bench);
    refuseStrangers(bench);
    bindPresigned(bench);
    readRanges(bench);
    holdConditions(bench);
    refuseClimbing(bench);
    listKeys(bench);
    surviveKill(bench);
  });
}
