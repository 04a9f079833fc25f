// What a person sees while a command waits: the writes to a terminal, played to a screen of a few lines.
import { describe, expect, test } from "vitest";
import type { Application, HealthStatusCode } from "#model/application.ts";
import type { Clock } from "#base/ports.ts";
import type { Output, Paint } from "../context.ts";
import { resourceStates } from "./application.ts";
import { createProgress, type View } from "./progress.ts";

/** As much of a terminal as the progress uses; anything else fails the test. */
class Screen implements Output {
  readonly isTerminal = true;
  lines: string[] = [""];
  cursorShown = true;
  /** Screens that a person could see, also within a write. */
  readonly seen: string[] = [];
  #row = 0;
  #column = 0;

  size(): { columns: number; rows: number } {
    return { columns: 60, rows: 10 };
  }

  line(text = ""): void {
    this.write(`${text}\n`);
  }

  write(text: string): void {
    // oxlint-disable-next-line no-control-regex
    for (const part of text.split(/(\u001b\[[?0-9]*[A-Za-z]|\r|\n)/).filter((each) => each !== "")) this.#take(part);
    this.#note();
  }

  #note(): void {
    this.seen.push(this.lines.join("\n").trimEnd());
  }

  #take(part: string): void {
    if (part === "\r") this.#column = 0;
    else if (part === "\n") {
      this.lines[++this.#row] ??= "";
      this.#column = 0;
    } else if (part.startsWith("\u001b")) this.#control(part.slice(2));
    else {
      const before = this.lines[this.#row]!;
      const after = this.#column + part.length;
      this.lines[this.#row] = before.slice(0, this.#column) + part + before.slice(after);
      this.#column = after;
    }
  }

  /** One that terminals without synchronised output obey, too: what they show in between counts. */
  #control(sequence: string): void {
    const up = /^(\d+)A$/.exec(sequence);
    const rest = this.lines[this.#row]!.slice(0, this.#column);
    if (up) this.#row -= Number(up[1]);
    else if (sequence === "K") this.lines[this.#row] = rest;
    else if (sequence === "J") this.lines = [...this.lines.slice(0, this.#row), rest];
    else if (/^\?25[lh]$/.test(sequence)) this.cursorShown = sequence.endsWith("h");
    else if (!/^\?2026[lh]$/.test(sequence)) throw new Error(`the screen does not know ${sequence}`);
    this.#note();
  }
}

class Timers implements Clock {
  nowMs = 0;
  #next: (() => void) | undefined;
  now = (): number => this.nowMs;
  monotonic = (): number => this.nowMs;
  after(_delayMs: number, callback: () => void): () => void {
    this.#next = callback;
    return () => {
      if (this.#next === callback) this.#next = undefined;
    };
  }
  tick(): void {
    this.nowMs += 100;
    this.#next?.();
  }
  get waits(): boolean {
    return this.#next !== undefined;
  }
}

const same = (text: string): string => text;
const paint: Paint = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same, blue: same };

type Row = readonly [name: string, status: "Synced" | "OutOfSync", health: HealthStatusCode];

function view(rows: readonly Row[]): View {
  const app: Application = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: "web", namespace: "argocd" },
    spec: { project: "", destination: {} },
    status: {
      operationState: { phase: "Running", operation: {}, startedAt: "2026-01-01T00:00:00Z" },
      resources: rows.map(([name, status, health]) => ({
        group: "apps",
        version: "v1",
        kind: "Deployment",
        namespace: "web",
        name,
        status,
        health: { status: health },
      })),
    },
  };
  return { app, states: resourceStates(app), waiting: [] };
}

describe("on a terminal", () => {
  test("one block changes in place, is never blank, and is gone in the end", () => {
    const [screen, clock] = [new Screen(), new Timers()];
    const progress = createProgress({ out: screen, err: screen, paint, clock, quiet: false });
    screen.line("$ driftless app sync web");
    progress.show(view([["a", "OutOfSync", "Missing"]]));
    for (let tick = 0; tick < 12; tick++) clock.tick();
    progress.show(
      view([
        ["a", "Synced", "Progressing"],
        ["b", "OutOfSync", "Missing"],
      ]),
    );
    clock.tick();
    progress.show(view([["a", "Synced", "Healthy"]]));
    const shown = screen.seen.slice(screen.seen.findIndex((text) => text.includes("web/a")));
    expect(shown.every((text) => /^\$ driftless app sync web\n\S argocd\/web  Syncing {2}\d\/\d/.test(text))).toBe(
      true,
    );
    expect(new Set(shown.map((text) => text.split("\n").length))).toEqual(new Set([3, 4]));
    expect(shown.at(-1)).toMatch(/1\/1 {2}1 s\n {2}✔ Deployment +web\/a +Synced +Healthy/);
    expect(screen.cursorShown).toBe(false);
    progress.end();
    expect(screen.lines.join("\n").trimEnd()).toBe("$ driftless app sync web");
    expect([screen.cursorShown, clock.waits]).toEqual([true, false]);
  });

  test("more resources than rows: those that are not done come first", () => {
    const [screen, clock] = [new Screen(), new Timers()];
    const progress = createProgress({ out: screen, err: screen, paint, clock, quiet: false });
    const many = Array.from({ length: 40 }, (_, index) => [`done-${index}`, "Synced", "Healthy"] as const);
    progress.show(view([...many, ["broken", "Synced", "Degraded"]]));
    expect(screen.lines.length).toBeLessThanOrEqual(10);
    expect(screen.lines.join("\n")).toMatch(/✖ Deployment +web\/broken[\s\S]*… and \d+ more/);
    progress.end();
  });
});

test("elsewhere a line for each change, without colours or control characters", () => {
  let text = "";
  const out: Output = {
    isTerminal: false,
    write: (more) => void (text += more),
    line: (more = "") => void (text += `${more}\n`),
    size: () => ({ columns: 80, rows: 24 }),
  };
  const clock = new Timers();
  const progress = createProgress({ out, err: out, paint, clock, quiet: false });
  progress.show(view([["a", "OutOfSync", "Missing"]]));
  progress.show(view([["a", "OutOfSync", "Missing"]]));
  progress.show(view([["a", "Synced", "Healthy"]]));
  progress.end();
  expect(text.trimEnd().split("\n").length).toBe(3);
  expect(text).not.toContain("\u001b");
  expect(clock.waits).toBe(false);
});
