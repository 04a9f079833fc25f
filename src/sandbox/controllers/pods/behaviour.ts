// What a pod is told to do: annotations below `sandbox.driftless.dev/`, and image names that say so themselves.
// Documented in docs/sandbox/pods.md.
import { controllerOf, type Pod } from "../support/objects.ts";

const domain = "sandbox.driftless.dev/";

export interface Behaviour {
  /** Only this container behaves so; all of them where undefined. */
  readonly container?: string;
  readonly pending: boolean;
  readonly pullFails: boolean;
  /** Exit code with which containers crash soon after they start. */
  readonly crash?: number;
  readonly readyAfterMs: number;
  readonly neverReady: boolean;
  /** Containers run this long and then exit; undefined: until they are stopped. */
  readonly runForMs?: number;
  readonly exitCode: number;
  readonly initExitCode: number;
}

/** Reads a pod's behaviour. `runMs` is how long pods run that are made to complete. */
export function behaviourOf(pod: Pod, runMs: number): Behaviour {
  const read = (name: string): string | undefined => pod.metadata.annotations?.[domain + name];
  const container = read("container");
  const crash = crashCode(read("crash"));
  const completes = controllerOf(pod)?.kind === "Job" || (pod.spec.restartPolicy ?? "Always") !== "Always";
  const runForMs = durationMs(read("run-for")) ?? (completes ? runMs : undefined);
  return {
    ...(container === undefined ? {} : { container }),
    pending: isTrue(read("pending")),
    pullFails: read("image-pull") === "fail",
    ...(crash === undefined ? {} : { crash }),
    readyAfterMs: durationMs(read("ready-after")) ?? 0,
    neverReady: isTrue(read("never-ready")),
    ...(runForMs === undefined ? {} : { runForMs }),
    exitCode: integer(read("exit-code")) ?? 0,
    initExitCode: integer(read("init-exit-code")) ?? 0,
  };
}

/** Images that cannot be pulled by their very name, so that a demo needs no annotation. */
export function pullFails(image: string): boolean {
  return image.startsWith("fail.example/") || /:does-not-exist(@|$)/.test(image);
}

function isTrue(text: string | undefined): boolean {
  return text === "true";
}

function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function crashCode(text: string | undefined): number | undefined {
  if (text === "true") return 1;
  const code = integer(text);
  return code === 0 ? undefined : code;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `2s`, `1m30s` → milliseconds; undefined where it is not a duration. */
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(number) * (unitMs[unit ?? ""] ?? 0);
  }
  return total;
}
