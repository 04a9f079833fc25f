// What a story is told by: something that can do each thing that a person does to an installation. A thing is written
// down once, as a Verb: how the API is asked for it, and what is typed for it. A driver knows only its own way.
import type { Ended } from "../../support/cli.ts";
import type { Caller } from "../../support/rpc.ts";

/** A thing that can be done by every driver; both ways return the same. */
export interface Verb<A, R> {
  readonly name: string;
  api(api: Caller, given: A): Promise<R>;
  /** Absent: no command does this alone; stories with it are for the API's transports. */
  readonly cli?: (cli: CommandLine, given: A) => Promise<R>;
}

export function verb<A, R>(name: string, api: Verb<A, R>["api"], cli?: Verb<A, R>["cli"]): Verb<A, R> {
  return { name, api, ...(cli ? { cli } : {}) };
}

/** A command line that is logged in. */
export interface CommandLine {
  /** Any outcome. */
  run(args: readonly string[], options?: { readonly input?: string }): Promise<Ended>;
  /** Standard output of a command that must succeed. Throws Refused with its standard error. */
  said(args: readonly string[], options?: { readonly input?: string }): Promise<string>;
  /** The same with `-o json`. */
  json<T>(args: readonly string[]): Promise<T>;
  /** Writes a file for a command; returns its path. */
  file(name: string, content: string): string;
}

export interface Driver {
  /** `REST`, `gRPC`, `driftless`, … */
  readonly name: string;
  /** Of which the names of what it makes begin: lower case. */
  readonly prefix: string;
  /** Whether it can do things that only the API's transports can. */
  readonly isApi: boolean;
  /** Throws Refused. */
  do<A, R>(what: Verb<A, R>, given: A): Promise<R>;
  close(): Promise<void>;
}

/** Does each thing by a transport of the API. */
export function apiDriver(name: string, prefix: string, caller: Caller): Driver {
  return { name, prefix, isApi: true, do: (what, given) => what.api(caller, given), close: () => caller.close() };
}

/** Does each thing by a command line. */
export function cliDriver(name: string, prefix: string, cli: CommandLine): Driver {
  return {
    name,
    prefix,
    isApi: false,
    do: (what, given) => {
      if (!what.cli) throw new Error(`there is no command for ${what.name}: the story is for the API alone`);
      return what.cli(cli, given);
    },
    close: async () => {},
  };
}
