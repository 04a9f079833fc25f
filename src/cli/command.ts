// What a command is: one file, one default export of this shape, one line in the list of commands.ts.
import type { Context } from "./context.ts";
import type { Flags, Parsed } from "./flags.ts";

export interface Command {
  /** What follows the command's name, as usage shows it: `APPNAME`, `[APPNAME...]`. */
  readonly usage?: string;
  /** More than the summary of the list, where there is more to say. */
  readonly about?: string;
  readonly examples: readonly (readonly [about: string, command: string])[];
  readonly flags: Flags;
  /** How many words it takes. */
  readonly args: { readonly min: number; readonly max: number };
  /** The exit code of an error that is not one of usage; argocd's is 20. */
  readonly errorCode?: number;
  /** Runs it; returns the exit code, 0 where it returns nothing. */
  run(context: Context, input: Parsed<Flags>): Promise<number | void>;
}

interface Described<F extends Flags> extends Omit<Command, "flags" | "run"> {
  readonly flags: F;
  run(context: Context, input: Parsed<F>): Promise<number | void>;
}

/** Ties the types of a command's flags to what its `run` reads. */
export function command<F extends Flags>(described: Described<F>): Command {
  return described;
}

export interface Listed {
  /** Words of the name: `app list`. */
  readonly path: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  load(): Promise<{ readonly default: Command }>;
}

export interface Group {
  readonly path: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** Flags that may also stand before the rest of the command's name. */
  readonly flags?: Flags;
}
