/** Simulates a fleet of devices under one service, with virtual time and stated latencies. See HELP. */
import { writeFileSync } from 'node:fs';
import { FaultyArguments, HELP, readFleetArguments } from './fleet-arguments.ts';
import { loadStatedSignatures } from './stated-signatures.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const given = readFleetArguments(process.argv.slice(2));
    if (given === null) {
      console.log(HELP);
      return 0;
    }
    const { options, json, csv, svg, quiet, light } = given;
    if (light) loadStatedSignatures();
    // Behind that: these lead to what it changes.
    const { simulateFleet } = await import('./simulate-fleet.ts');
    const { drawFleet } = await import('./draw-fleet.ts');
    const { fleetCsv, sayMinute, saySummary } = await import('./say-fleet.ts');
    const { describeMachine, nameMachine } = await import('../../bench/report/describe-machine.ts');
    const machine = nameMachine(describeMachine());
    process.once('SIGINT', () => process.exit(130));
    const startedMs = performance.now();
    const result = await simulateFleet(options, (minute) => {
      if (!quiet) process.stderr.write(`${sayMinute(minute)}\n`);
    });
    const took = {
      seconds: Math.round((performance.now() - startedMs) / 100) / 10,
      cpuSeconds: Math.round(process.cpuUsage().user / 100_000) / 10,
      memoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
    };
    const run = { ...result, signatures: light ? 'stated' : 'real', machine, took };
    if (csv !== null) writeFileSync(csv, fleetCsv(run));
    if (svg !== null) writeFileSync(svg, drawFleet(run));
    console.log(json ? JSON.stringify(run) : saySummary(run));
    const { notAnchored, notFinal, notStored } = result.settled;
    return options.settleMinutes === 0 || notAnchored + notFinal + notStored === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof FaultyArguments)) throw error;
    console.error(`${error.message}\nSee: npm run simulate:fleet -- --help`);
    return 2;
  }
}
