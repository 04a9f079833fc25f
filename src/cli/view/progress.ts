// What `sync` and `wait` show while they wait: on a terminal one block that is drawn again and again, elsewhere a line for
// each change, as argocd writes them. The first half decides what to show and is pure; the second half draws.
import type { Application } from "#model/application.ts";
import type { Clock } from "#base/ports.ts";
import type { Output, Paint } from "../context.ts";
import { qualifiedName, type ResourceState } from "./application.ts";
import type { WaitingFor } from "#protocol/rest.ts";
import { waitingText } from "./plan.ts";
import { oneLine, table, visibleLength } from "./table.ts";

type Mark = "failed" | "working" | "waiting" | "done";

/** So many waits are shown. */
const waitsShown = 3;
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const order: Record<Mark, number> = { failed: 0, working: 1, waiting: 2, done: 3 };

/** How far one resource is. */
export function markOf(state: ResourceState): Mark {
  if (/^(SyncFailed|Failed|Error)$/.test(state.status) || /^(Degraded|SyncFailed)$/.test(state.health)) return "failed";
  if (state.health === "Progressing" || state.status === "Running") return "working";
  if (state.status === "OutOfSync" || state.health === "Missing") return "waiting";
  return "done";
}

/** What is shown of an application. */
export interface View {
  readonly app: Application;
  readonly states: readonly ResourceState[];
  readonly waiting: readonly WaitingFor[];
}

export interface Frame extends View {
  readonly elapsedMs: number;
  readonly tick: number;
  readonly columns: number;
  readonly rows: number;
}

/** The lines of the block: a head that tells phase, progress, time and what is waited for, then the resources. */
export function blockLines(frame: Frame, paint: Paint): string[] {
  const { app, states, columns } = frame;
  const waits = waitingLines(frame.waiting, paint);
  const room = Math.max(1, frame.rows - 3 - waits.length);
  const sorted = states.length > room ? [...states].sort((a, b) => order[markOf(a)] - order[markOf(b)]) : states;
  const shown = sorted.slice(0, sorted.length > room ? room - 1 : room);
  const cells = shown.map((state) => rowOf(state, app, frame.tick, paint));
  const lines = [headOf(frame, paint), ...waits, ...table(cells).split("\n").slice(0, -1)];
  if (shown.length < sorted.length) lines.push(paint.dim(`  … and ${sorted.length - shown.length} more`));
  return lines.map((line) => cut(line, columns));
}

/** What is waited for, below the head; a few, for the resources say the rest. */
function waitingLines(waiting: readonly WaitingFor[], paint: Paint): string[] {
  const lines = waiting.slice(0, waitsShown).map((item) => paint.yellow(`  waits for ${waitingText(item)}`));
  const more = waiting.length - lines.length;
  return more > 0 ? [...lines, paint.dim(`  … and for ${more} more`)] : lines;
}

function headOf(frame: Frame, paint: Paint): string {
  const { app, states } = frame;
  const operation = app.status?.operationState;
  const running = app.operation !== undefined || operation?.finishedAt === undefined;
  const phase = app.operation && operation?.phase !== "Running" ? "Starting" : (operation?.phase ?? "Waiting");
  const word = running
    ? phase === "Running"
      ? "Syncing"
      : phase
    : `${app.status?.sync?.status ?? ""}, ${app.status?.health?.status ?? ""}`;
  const done = states.filter((state) => markOf(state) === "done").length;
  const message =
    running && operation?.message && frame.waiting.length === 0 ? paint.dim(` · ${firstLine(operation.message)}`) : "";
  const spinner = paint.cyan(frames[frame.tick % frames.length]!);
  return `${spinner} ${paint.bold(qualifiedName(app))}  ${word}  ${done}/${states.length}  ${elapsedText(frame.elapsedMs)}${message}`;
}

function rowOf(state: ResourceState, app: Application, tick: number, paint: Paint): string[] {
  const mark = markOf(state);
  const signs: Record<Mark, string> = {
    failed: paint.red("✖"),
    working: paint.yellow(frames[tick % frames.length]!),
    waiting: paint.dim("·"),
    done: paint.green("✔"),
  };
  const wave = app.status?.resources?.find(
    (item) => item.kind === state.kind && item.name === state.name && (item.namespace ?? "") === state.namespace,
  )?.syncWave;
  const where = state.namespace === "" ? state.name : `${state.namespace}/${state.name}`;
  const hook = state.hook === "" ? (wave ? `wave ${wave}` : "") : state.hook;
  return [
    `  ${signs[mark]} ${state.kind}`,
    where,
    paint.dim(hook),
    state.status,
    healthPaint(state.health, paint),
    paint.dim(firstLine(state.message)),
    "",
  ].slice(0, -1);
}

function healthPaint(health: string, paint: Paint): string {
  if (health === "Healthy") return paint.green(health);
  if (health === "Progressing") return paint.yellow(health);
  return health === "Degraded" || health === "SyncFailed" ? paint.red(health) : health;
}

const firstLine = (text: string): string => oneLine(text.split("\n", 1)[0]!.trim());

export function elapsedText(elapsedMs: number): string {
  const seconds = Math.floor(elapsedMs / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/** Cuts a line to the columns of the terminal, colours apart, so that one line stays one line. */
export function cut(line: string, columns: number): string {
  if (visibleLength(line) < columns) return line;
  let shown = 0;
  let out = "";
  // oxlint-disable-next-line no-control-regex
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith("\u001b")) {
      out += part;
      continue;
    }
    for (const letter of part) if (shown++ < columns - 2) out += letter;
  }
  return `${out}…`;
}

export interface Progress {
  show(view: View): void;
  /** Ends the drawing; the block is taken away, since the summary follows. */
  end(): void;
}

export function createProgress(deps: {
  out: Output;
  err: Output;
  paint: Paint;
  clock: Clock;
  quiet: boolean;
}): Progress {
  if (deps.quiet) return { show: () => {}, end: () => {} };
  return deps.out.isTerminal ? new Block(deps) : new Lines(deps);
}

class Block implements Progress {
  readonly #out: Output;
  readonly #paint: Paint;
  readonly #clock: Clock;
  readonly #startedMs: number;
  #latest: View | undefined;
  #drawn = 0;
  #tick = 0;
  #cancel: (() => void) | undefined;

  constructor(deps: { out: Output; paint: Paint; clock: Clock }) {
    this.#out = deps.out;
    this.#paint = deps.paint;
    this.#clock = deps.clock;
    this.#startedMs = deps.clock.monotonic();
  }

  show(view: View): void {
    this.#latest = view;
    this.#draw();
    this.#again();
  }

  end(): void {
    this.#cancel?.();
    this.#out.write(`${this.#top()}\u001b[J\u001b[?25h`);
    this.#drawn = 0;
  }

  #again(): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(100, () => {
      this.#tick++;
      this.#draw();
      this.#again();
    });
  }

  #draw(): void {
    if (!this.#latest) return;
    const elapsedMs = this.#clock.monotonic() - this.#startedMs;
    const lines = blockLines({ ...this.#latest, elapsedMs, tick: this.#tick, ...this.#out.size() }, this.#paint);
    // Each line is written over the one before, in one piece that terminals show at once: nothing is blank in between.
    const written = lines.map((line) => `${line}\u001b[K\n`).join("");
    this.#out.write(`\u001b[?2026h\u001b[?25l${this.#top()}${written}\u001b[J\u001b[?2026l`);
    this.#drawn = lines.length;
  }

  /** To the block's first line. */
  #top(): string {
    return this.#drawn === 0 ? "" : `\u001b[${this.#drawn}A\r`;
  }
}

class Lines implements Progress {
  readonly #out: Output;
  readonly #clock: Clock;
  readonly #err: Output;
  readonly #seen = new Map<string, string>();
  #waited = "";

  constructor(deps: { out: Output; err: Output; clock: Clock }) {
    this.#out = deps.out;
    this.#err = deps.err;
    this.#clock = deps.clock;
  }

  show({ states, waiting }: View): void {
    this.#tellWaits(waiting);
    const rows: string[][] = [];
    if (this.#seen.size === 0)
      rows.push(["TIMESTAMP", "GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"]);
    for (const state of states) {
      const key = `${state.group}/${state.kind}/${state.namespace}/${state.name}`;
      const cells = [state.status, state.health, state.hook, state.message];
      if (this.#seen.get(key) === cells.join("\n")) continue;
      this.#seen.set(key, cells.join("\n"));
      rows.push([this.#time(), state.group, state.kind, state.namespace, state.name, ...cells]);
    }
    if (rows.length > 0) this.#out.write(table(rows.map(padded), 5));
  }

  end(): void {}

  // Beside the table, which scripts read; again only where something else is waited for, not each second.
  #tellWaits(waiting: readonly WaitingFor[]): void {
    const what = waiting.map((item) => `${item.for} ${item.kind} ${item.namespace} ${item.name}`).join("\n");
    if (what === this.#waited) return;
    this.#waited = what;
    for (const item of waiting) this.#err.line(`waiting for ${waitingText(item)}`);
  }

  #time(): string {
    return new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, "+00:00");
  }
}

/** argocd's smallest widths of these columns. */
const widths = [0, 5, 10, 10, 20, 8, 7, 10, 0];
const padded = (row: readonly string[]): string[] => row.map((cell, column) => cell.padStart(widths[column] ?? 0));
