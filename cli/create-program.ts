import { Command } from 'commander';
import { addCalled } from './add-called.ts';
import { exitCodesInWords } from './exit-codes.ts';
import { PARTS, SINGLES } from './parts.ts';

const HELP = `
Begin:
  plumb try PATH                     the whole story on your own data: record, verify, damage, detect

By hand:
  plumb local up                     a whole stack on this machine
  plumb owner init                   keys (plumb keys unlock: then nothing asks for the password for a while)
  plumb local admit ADDRESS          let the local stack serve this owner
  plumb dataset create NAME          one device's log
  plumb device provision NAME        the device's file
  plumb device run --provision device.json --source dir:PATH
  plumb owner verify NAME            check the stored data against the chain
  plumb owner get NAME --out DIR     bring it back, verified
  plumb owner prove NAME --out FILE  evidence for someone else, who runs: plumb verify FILE DATA
  plumb owner offer NAME …           sell blocks; plumb owner serve delivers them
  plumb consumer offers              list what is for sale; then accept, audit, fetch

${exitCodesInWords(120)}`;

/** The command line, one file per command. Of the commands, only the one that these arguments call is loaded. */
export async function createProgram(version: string, [first, second]: readonly string[]): Promise<Command> {
  const program = new Command('plumb')
    .description(
      'Data integrity for IoT data: record what a device stores, and verify any part of it later without trusting anyone.',
    )
    .version(version)
    .showHelpAfterError('(add --help for usage and examples)')
    .exitOverride()
    .addHelpText('after', HELP);
  // `plumb help owner` asks for what `plumb owner` has.
  const [calledPart, calledCommand] = first === 'help' ? [second] : [first, second];
  for (const [name, part] of Object.entries(PARTS)) {
    const command = program.command(name).description(part.description);
    if (name === calledPart) await addCalled(command, part, calledCommand);
  }
  for (const [name, { description, add }] of Object.entries(SINGLES)) {
    const command = program.command(name).description(description);
    if (name === calledPart) await add(command);
  }
  return program;
}
