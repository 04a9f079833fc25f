// Logs of an application's pods: which pods are meant, their lines, and which of these are wanted. Only pods of the
// application's tree are read. Names and semantics follow Argo CD's PodLogs.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import { rfc3339, type Clock } from "#base/ports.ts";
import type { KubeClient } from "#kube/types.ts";
import type { ResourceNode } from "#protocol/rest.ts";
import { mergedLogs, sortable, type LogLine } from "./log-merge.ts";

export interface LogQuery {
  readonly namespace?: string;
  readonly podName?: string;
  readonly container?: string;
  readonly sinceSeconds?: number;
  readonly sinceTime?: string;
  readonly tailLines?: number;
  readonly follow?: boolean;
  readonly untilTime?: string;
  readonly filter?: string;
  readonly kind?: string;
  readonly group?: string;
  readonly resourceName?: string;
  readonly previous?: boolean;
  readonly matchCase?: boolean;
}

export interface LogEntry {
  readonly content: string;
  readonly timeStamp: string;
  readonly timeStampStr: string;
  readonly podName: string;
  readonly last: boolean;
}

export interface LogSources {
  readonly client: Pick<KubeClient, "lines">;
  readonly clock: Clock;
  readonly nodes: readonly ResourceNode[];
  /** Logs of more pods than this are not shown together. */
  readonly maxPods: number;
}

/** A pod that has nothing to say holds the others up for so long. */
const patienceMs = 100;

/**
 * The lines that are wanted, by their times, then one entry with `last`. What is wrong with the query is thrown at once:
 * INVALID_ARGUMENT, also for more pods than may be shown. A pod whose log cannot be read says why in its place.
 */
export function podLogs(op: Op, sources: LogSources, query: LogQuery): AsyncIterable<LogEntry> {
  const pods = selectedPods(sources.nodes, query);
  if (pods.length > sources.maxPods)
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `logs of ${pods.length} pods at once are more than ${sources.maxPods}: name a pod, or what owns fewer of them`,
      { details: { field: "resourceName" } },
    );
  const path = logQuery(query);
  const untilTime = timeOf("untilTime", query.untilTime);
  const wanted = lineFilter(query.filter ?? "", query.matchCase === true);
  const reading = new AbortController();
  const own: Op = { ...op, signal: AbortSignal.any([op.signal, reading.signal]) };
  const logs = pods.map((pod) => logOf(own, sources.client, pod, path));
  async function* entries(): AsyncGenerator<LogEntry> {
    try {
      const options = { clock: sources.clock, ...(query.follow === true ? { patienceMs } : {}) };
      for await (const { content, time, podName } of mergedLogs(logs, options)) {
        if (untilTime !== "" && sortable(time) > untilTime) break;
        if (wanted(content)) yield { ...stamped(time, sources.clock), content, podName, last: false };
      }
      yield { ...stamped("", sources.clock), content: "", podName: "", last: true };
    } finally {
      reading.abort();
    }
  }
  return entries();
}

function stamped(time: string, clock: Clock): Pick<LogEntry, "timeStamp" | "timeStampStr"> {
  const timeStamp = rfc3339(time === "" ? clock.now() : Date.parse(time));
  return { timeStamp, timeStampStr: time === "" ? timeStamp : time };
}

/** The pods of the tree that are named, or below what is named; all where nothing is. */
export function selectedPods(nodes: readonly ResourceNode[], query: LogQuery): readonly ResourceNode[] {
  const { podName = "", namespace = "" } = query;
  const [kind, group, name] =
    podName === "" ? [query.kind ?? "", query.group ?? "", query.resourceName ?? ""] : ["Pod", "", podName];
  const byUid = new Map(nodes.flatMap((node) => (node.uid ? [[node.uid, node] as const] : [])));
  const meant = (node: ResourceNode): boolean =>
    (name === "" || node.name === name) &&
    (kind === "" || node.kind === kind) &&
    (group === "" || (node.group ?? "") === group) &&
    (namespace === "" || (node.namespace ?? "") === namespace);
  const below = (node: ResourceNode, seen: ReadonlySet<ResourceNode>): boolean =>
    meant(node) ||
    (node.parentRefs ?? []).some(({ uid }) => {
      const parent = byUid.get(uid ?? "");
      return parent !== undefined && !seen.has(parent) && below(parent, new Set([...seen, parent]));
    });
  return nodes.filter(
    (node) => node.kind === "Pod" && (node.group ?? "") === "" && node.uid && below(node, new Set([node])),
  );
}

/** Whether a line is wanted: it holds the text, or with a leading `!` does not. */
export function lineFilter(filter: string, matchCase: boolean): (line: string) => boolean {
  if (filter === "") return () => true;
  const inverse = filter.startsWith("!");
  const text = inverse ? filter.slice(1) : filter;
  const folded = (line: string): string => (matchCase ? line : line.toLowerCase());
  const literal = folded(text);
  return (line) => folded(line).includes(literal) !== inverse;
}

function logQuery(query: LogQuery): string {
  const { container = "", sinceSeconds = 0, tailLines = 0, follow, previous } = query;
  const parameters = new URLSearchParams({ timestamps: "true" });
  if (container !== "") parameters.set("container", container);
  if (follow === true) parameters.set("follow", "true");
  if (previous === true) parameters.set("previous", "true");
  for (const [name, value] of Object.entries({ sinceSeconds, tailLines }))
    if (value < 0) throw invalid(name, "is negative");
  if (sinceSeconds > 0) parameters.set("sinceSeconds", String(sinceSeconds));
  else if (query.sinceTime) {
    timeOf("sinceTime", query.sinceTime);
    parameters.set("sinceTime", query.sinceTime);
  }
  if (tailLines > 0) parameters.set("tailLines", String(tailLines));
  return parameters.toString();
}

function timeOf(field: string, text = ""): string {
  const time = sortable(text);
  if (text !== "" && time === "") throw invalid(field, "is no time of RFC 3339, such as 2026-01-02T03:04:05Z");
  return time;
}

const invalid = (field: string, why: string): DriftlessError =>
  new DriftlessError("INVALID_ARGUMENT", `${field} ${why}`, { details: { field } });

async function* logOf(
  op: Op,
  client: Pick<KubeClient, "lines">,
  { name, namespace = "" }: ResourceNode,
  query: string,
): AsyncGenerator<readonly LogLine[]> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log?${query}`;
  try {
    for await (const lines of client.lines(op, path)) yield lines.map((line) => lineOf(line, name));
  } catch (thrown) {
    const error = toError(thrown);
    if (op.signal.aborted) return;
    // One pod that is still waiting to start must not hide what the others say.
    yield [{ podName: name, content: error.message, time: "" }];
  }
}

/** `TIME TEXT`, as `timestamps=true` has it. */
function lineOf(line: string, podName: string): LogLine {
  const space = line.indexOf(" ");
  const time = space < 0 ? line : line.slice(0, space);
  if (sortable(time) === "") return { podName, content: line, time: "" };
  return { podName, content: space < 0 ? "" : line.slice(space + 1).replace(/\r$/, ""), time };
}
