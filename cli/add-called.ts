import type { Command } from 'commander';

/**
 * Loads what a command needs, and adds the command. One that is named for several commands adds all of them. One that its part
 * alone stands for must know whether a word follows the part: any word is a command's name.
 */
export type AddCommand = (parent: Command, word?: string) => Promise<void>;

/** A command of its own, such as `plumb serve`. */
export interface Single {
  readonly description: string;
  readonly add: AddCommand;
}

/** A part of the command line, such as `plumb owner`. */
export interface Part {
  readonly description: string;
  /** By the name that is typed, in the order in which help lists them. */
  readonly commands: Readonly<Record<string, AddCommand>>;
}

/**
 * Adds the command that is called; or all of the part, where the name is none of them, as for help. Loading what is not
 * called would cost more than most commands do.
 */
export async function addCalled(parent: Command, { commands }: Part, called: string | undefined): Promise<void> {
  const add = called !== undefined && Object.hasOwn(commands, called) ? commands[called] : undefined;
  const word = called?.startsWith('-') === true ? undefined : called;
  for (const each of add === undefined ? new Set(Object.values(commands)) : [add]) await each(parent, word);
}
