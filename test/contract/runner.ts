// Runs one case against one cluster: sends its steps, holds the answers against what the case itself expects, and
// returns the normalised answers, to be compared with those recorded from a real Kubernetes.
import { execFile } from "node:child_process";
import { isObject } from "#base/json.ts";
import type { Json, JsonObject } from "#base/json.ts";
import type { ContractCase, PatchType, Step } from "./case.ts";
import type { Answer, Connection } from "./connection.ts";
import { createNormaliser, missing, pick } from "./normalise.ts";
import type { Normaliser } from "./normalise.ts";

export interface Target {
  readonly connection: Connection;
  readonly kubeconfig: string;
  readonly kubectl?: string;
  /** Where kubectl keeps what it discovered. */
  readonly cacheDir: string;
}

export interface Outcome {
  /** One for each step: what was answered, normalised. */
  readonly answers: readonly JsonObject[];
  /** What the case's own expectations miss. */
  readonly failures: readonly string[];
}

const patchTypes: Readonly<Record<PatchType, string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};
const accepts: Readonly<Record<string, string>> = {
  table: "application/json;as=Table;v=v1;g=meta.k8s.io",
  meta: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
  metaList: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
};
const pollMs = 60;
const pollDeadlineMs = 30_000;
const watchDeadlineMs = 5_000;

/** Runs a case in the namespace given, which exists. */
export async function runCase(contractCase: ContractCase, namespace: string, target: Target): Promise<Outcome> {
  const run: Run = {
    target,
    namespace,
    variables: new Map([
      ["NS", namespace],
      ["CORE", `/api/v1/namespaces/${namespace}`],
      ["APPS", `/apis/apps/v1/namespaces/${namespace}`],
    ]),
    normaliser: createNormaliser({ namespace, managedFields: contractCase.managedFields }),
    answers: [],
    failures: [],
  };
  for (const step of contractCase.steps) await takeStep(run, step);
  return { answers: run.answers, failures: run.failures };
}

interface Run {
  readonly target: Target;
  readonly namespace: string;
  readonly variables: Map<string, string>;
  readonly normaliser: Normaliser;
  readonly answers: JsonObject[];
  readonly failures: string[];
}

async function takeStep(run: Run, step: Step): Promise<void> {
  if (step.method === "WATCH") return watchStep(run, step);
  if (step.method === "KUBECTL") return kubectlStep(run, step);
  const answer = step.method === "POLL" ? await poll(run, step) : await send(run, step, step.method);
  const body = parseBody(answer);
  fail(run, step, statusFailures(step, answer));
  if (step.expect !== undefined) fail(run, step, missing(fill(run, step.expect), body));
  for (const [name, pointer] of Object.entries(step.save ?? {})) {
    const value = pick(body, [pointer])[pointer];
    run.variables.set(name, typeof value === "string" ? value : JSON.stringify(value ?? ""));
  }
  run.answers.push({
    status: answer.status,
    ...(answer.warnings.length > 0 ? { warnings: answer.warnings.map((text) => run.normaliser.text(text)) } : {}),
    ...shown(run, step, body),
  });
}

function statusFailures(step: Step, answer: Answer): string[] {
  if (step.status === undefined || step.status === answer.status) return [];
  return [`expected status ${step.status}, got ${answer.status}: ${answer.text.slice(0, 500)}`];
}

function shown(run: Run, step: Step, body: Json): { body?: Json } {
  const ordered = step.sorted === true ? sortItems(body) : body;
  const normal = run.normaliser.value(ordered);
  // What was polled for is told by `until`; the rest may be a moment further on another cluster.
  const show = step.show ?? (step.method === "POLL" ? [] : undefined);
  if (show === undefined) return { body: normal };
  return show.length === 0 ? {} : { body: pick(normal, show) };
}

function sortItems(body: Json): Json {
  if (!isObject(body) || !Array.isArray(body["items"])) return body;
  const name = (item: unknown) =>
    JSON.stringify(isObject(item) ? item["metadata"] : "").replace(/.*"name":"([^"]*)".*/, "$1");
  return { ...body, items: [...(body["items"] as Json[])].sort((a, b) => name(a).localeCompare(name(b))) };
}

function send(run: Run, step: Step, method: string): Promise<Answer> {
  const body = step.raw === undefined ? step.body : undefined;
  const text = step.raw === undefined ? undefined : fillText(run, step.raw);
  const type = step.type ? patchTypes[step.type] : "application/json";
  const content = text ?? (body === undefined ? undefined : JSON.stringify(fill(run, body)));
  return run.target.connection.send({
    method,
    path: encodeURI(fillText(run, step.target)),
    headers: {
      ...(content === undefined ? {} : { "content-type": type }),
      ...(step.accept ? { accept: accepts[step.accept] ?? step.accept } : {}),
      ...(fill(run, step.headers ?? {}) as Readonly<Record<string, string>>),
    },
    ...(content === undefined ? {} : { body: content }),
  });
}

async function poll(run: Run, step: Step): Promise<Answer> {
  const deadline = performance.now() + pollDeadlineMs;
  for (;;) {
    const answer = await send(run, step, "GET");
    const reached = answer.status === (step.status ?? 200);
    const absent = !reached
      ? ["status"]
      : step.until === undefined
        ? []
        : missing(fill(run, step.until), parseBody(answer));
    if (absent.length === 0) return answer;
    if (performance.now() > deadline) {
      fail(run, step, [`did not come about: ${absent.join("; ")}; last answer ${answer.text.slice(0, 600)}`]);
      return answer;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Collects a watch's events. Those of type BOOKMARK count; what comes after `events` of them is not waited for. */
async function watchStep(run: Run, step: Step): Promise<void> {
  const accept: Record<string, string> = step.accept ? { accept: accepts[step.accept] ?? step.accept } : {};
  const path = encodeURI(fillText(run, step.target));
  const watch = await run.target.connection.watch(path, { ...accept, ...step.headers });
  const events: Json[] = [];
  const wanted = step.events ?? 0;
  const collecting = (async () => {
    for await (const event of watch.events) {
      events.push(event);
      if (events.length >= wanted) break;
    }
  })();
  const index = run.answers.push({}) - 1;
  for (const inner of step.during ?? []) await takeStep(run, inner);
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => (timer = setTimeout(resolve, watchDeadlineMs)));
  await Promise.race([collecting, timeout]);
  clearTimeout(timer);
  watch.close();
  await collecting;
  if (events.length < wanted)
    fail(run, step, [`expected ${wanted} events, got ${events.length}: ${JSON.stringify(events).slice(0, 600)}`]);
  if (step.expect !== undefined) fail(run, step, missing(fill(run, step.expect), events));
  const normal = run.normaliser.value(events);
  run.answers[index] = { status: watch.status, events: step.show ? pick(normal, step.show) : normal };
}

async function kubectlStep(run: Run, step: Step): Promise<void> {
  const { kubectl, kubeconfig, cacheDir } = run.target;
  if (!kubectl) throw new Error("no kubectl");
  const args = wordsOf(fillText(run, step.target));
  const all = [`--kubeconfig=${kubeconfig}`, `--cache-dir=${cacheDir}`, `--namespace=${run.namespace}`, ...args];
  const stdin = step.stdin === undefined ? "" : documents(run, step.stdin);
  const { code, stdout, stderr } = await execute(kubectl, all, stdin);
  if (code !== (step.exit ?? 0))
    fail(run, step, [`expected exit code ${step.exit ?? 0}, got ${code}: ${stdout}${stderr}`]);
  if (step.expect !== undefined) fail(run, step, missing(fill(run, step.expect), { stdout, stderr }));
  run.answers.push({
    exit: code,
    ...(step.show === undefined ? { stdout: parsedOutput(run, stdout), stderr: run.normaliser.text(stderr) } : {}),
  });
}

function parsedOutput(run: Run, stdout: string): Json {
  try {
    const value = JSON.parse(stdout) as Json;
    if (isObject(value)) return run.normaliser.value(value);
  } catch {
    // Text for people.
  }
  return run.normaliser.text(stdout);
}

function documents(run: Run, stdin: Json): string {
  if (typeof stdin === "string") return fillText(run, stdin);
  const list = Array.isArray(stdin) ? (stdin as readonly Json[]) : [stdin];
  // JSON, which kubectl reads one way only: bare words such as `y` are a boolean in its YAML.
  return list.map((each) => `${JSON.stringify(fill(run, each))}\n`).join("---\n");
}

/** Splits arguments at spaces; single quotes keep them together. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ""));
}

function execute(
  file: string,
  args: readonly string[],
  stdin: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: "/nonexistent",
      KUBECTL_EXTERNAL_DIFF: "diff -u --label a --label b",
    };
    const child = execFile(file, [...args], { env, timeout: 60_000, maxBuffer: 32 << 20 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === "number" ? error.code : -1) : 0;
      resolve({ code, stdout, stderr });
    });
    child.stdin?.end(stdin);
  });
}

function fail(run: Run, step: Step, found: readonly string[]): void {
  for (const text of found) run.failures.push(`step ${run.answers.length + 1}, ${step.method} ${step.target}: ${text}`);
}

function parseBody(answer: Answer): Json {
  try {
    return JSON.parse(answer.text) as Json;
  } catch {
    return answer.text;
  }
}

function fillText(run: Run, text: string): string {
  return text.replace(/\$([A-Za-z][A-Za-z0-9]*)/g, (whole, name: string) => run.variables.get(name) ?? whole);
}

function fill(run: Run, value: Json): Json {
  if (typeof value === "string") return fillText(run, value);
  if (Array.isArray(value)) return value.map((item: Json) => fill(run, item));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [fillText(run, key), fill(run, item ?? null)]);
  return Object.fromEntries(entries) as JsonObject;
}
