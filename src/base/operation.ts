// The one argument that carries what surrounds a piece of work: when to give up, whom to tell, what to trace.
// It is passed by hand, first, to everything that does I/O. There is no ambient context.

export interface LogFields {
  readonly [name: string]: unknown;
}

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger;
}

export interface Operation {
  readonly signal: AbortSignal;
  readonly log: Logger;
}

export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLogger,
};
