// What a command may use: streams, the environment, the connection, time. src/main wires it; tests wire their own.
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { AdminMeans } from "./admin/means.ts";
import type { ApiClient } from "./server/api.ts";
import type { ConfigFile } from "./server/config-file.ts";
import type { ConnectDeps } from "./server/connect.ts";
import type { FlagValues } from "./flags.ts";
import type { globalFlags, KubeValues } from "./global-flags.ts";

export interface Output {
  /** Writes as it is. */
  write(text: string): void;
  /** Writes a line. */
  line(text?: string): void;
  readonly isTerminal: boolean;
  /** Columns and rows of the terminal; 80 × 24 where there is none. */
  size(): { readonly columns: number; readonly rows: number };
}

export interface Input {
  readonly isTerminal: boolean;
  /** Everything until the end. */
  readAll(): Promise<string>;
  /** Asks on the terminal; `secret` does not show what is typed. */
  ask(op: Operation, question: string, options?: { readonly secret?: boolean }): Promise<string>;
}

export type Paint = Readonly<
  Record<"bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "blue", (text: string) => string>
>;

export interface Context {
  readonly op: Operation;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
  readonly input: Input;
  /** Colours for `out`; identity functions where it is no terminal or NO_COLOR is set. */
  readonly paint: Paint;
  readonly clock: Clock;
  readonly global: FlagValues<typeof globalFlags>;
  /** kubectl's flags, where the command has none of its own of that name. */
  readonly kube: KubeValues;
  readonly version: string;
  /** Contexts, servers and users; read at first use. */
  config(): Promise<ConfigFile>;
  /** For commands that talk to a server that is not configured yet. */
  readonly connect: ConnectDeps;
  /** The client of the chosen server. Error: CONFIG_INVALID where none is configured. */
  api(): Promise<ApiClient>;
  /** For commands that work without a server: what the server would do. */
  admin(): Promise<AdminMeans>;
  /** Runs a program with the terminal handed to it (an editor, an external differ); resolves with its exit code. */
  runProgram(program: string, args: readonly string[]): Promise<number>;
}
