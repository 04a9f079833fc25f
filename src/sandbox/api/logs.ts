// pods/log: there are no processes, so a container's log is what the sandbox knows of its life, one line for each step.
import { listAt, numberAt, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ApiAnswer, Call } from "./call.ts";
import { resourceId } from "./kinds.ts";
import { isSet } from "./request.ts";
import { badRequest } from "./status.ts";

interface Line {
  readonly at: string;
  readonly text: string;
}

/** The log of one container of a pod. Errors: BadRequest where the container is unclear, unknown or not started. */
export function podLog({ core, request, definition, name }: Call, pod: KubernetesObject): ApiAnswer {
  const { query } = request;
  const container = containerOf(pod, query.get("container") ?? "");
  const state = listAt(pod, "status", "containerStatuses").find((each) => stringAt(each, "name") === container);
  const lines = linesOf(pod, container, state);
  if (lines.length === 0) {
    const reason = stringAt(state, "state", "waiting", "reason") ?? "ContainerCreating";
    throw badRequest(
      `container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} is waiting to start: ${reason}`,
    );
  }
  const plain = select(lines, query, core.clock.now());
  const running = stringAt(state, "state", "running", "startedAt") !== undefined;
  if (!isSet(query.get("follow")) || !running) return { code: 200, plain };
  const { namespace, uid } = pod.metadata;
  const until = (end: () => void) =>
    core.store.subscribe(resourceId(definition), ({ type, object }) => {
      if (object.metadata.uid !== uid || object.metadata.namespace !== namespace) return;
      const now = listAt(object, "status", "containerStatuses").find((each) => stringAt(each, "name") === container);
      if (type === "DELETED" || stringAt(now, "state", "running", "startedAt") === undefined) end();
    });
  return { code: 200, plain, until };
}

function containerOf(pod: KubernetesObject, asked: string): string {
  const names = (field: string): string[] => listAt(pod, "spec", field).map((each) => stringAt(each, "name") ?? "");
  const main = names("containers");
  const init = names("initContainers");
  const name = pod.metadata.name ?? "";
  if (asked !== "") {
    if ([...main, ...init].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const [only] = main;
  if (main.length === 1 && only !== undefined && init.length === 0) return only;
  const byDefault = pod.metadata.annotations?.["kubectl.kubernetes.io/default-container"] ?? "";
  if (main.includes(byDefault)) return byDefault;
  const inits = init.length > 0 ? ` or one of the init containers: [${init.join(" ")}]` : "";
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${main.join(" ")}]${inits}`);
}

function linesOf(pod: KubernetesObject, container: string, status: unknown): Line[] {
  const image = stringAt(status, "image") ?? "";
  const lines: Line[] = [];
  const started =
    stringAt(status, "state", "running", "startedAt") ?? stringAt(status, "state", "terminated", "startedAt");
  const ended = stringAt(status, "lastState", "terminated", "finishedAt");
  const crashed = stringAt(status, "lastState", "terminated", "startedAt");
  if (started === undefined && crashed !== undefined)
    lines.push({ at: crashed, text: `${container}: started (${image})` });
  if (started === undefined && ended !== undefined) {
    lines.push({
      at: ended,
      text: `${container}: exited with code ${numberAt(status, "lastState", "terminated", "exitCode") ?? 0}`,
    });
  }
  if (started !== undefined) {
    lines.push({
      at: started,
      text: `${container}: started (${image}) on ${stringAt(pod, "spec", "nodeName") ?? "no node"}`,
    });
  }
  const finished = stringAt(status, "state", "terminated", "finishedAt");
  if (finished !== undefined) {
    const code = numberAt(status, "state", "terminated", "exitCode") ?? 0;
    lines.push({ at: finished, text: `${container}: exited with code ${code}` });
  } else if (started !== undefined) {
    lines.push({ at: started, text: `${container}: ready` });
  }
  return lines;
}

function select(lines: readonly Line[], query: URLSearchParams, nowMs: number): string {
  const since = query.get("sinceSeconds");
  const sinceTime = query.get("sinceTime");
  const fromMs = since === null ? Date.parse(sinceTime ?? "1970-01-01T00:00:00Z") : nowMs - Number(since) * 1000;
  const tail = query.get("tailLines");
  let chosen = lines.filter(({ at }) => Date.parse(at) >= fromMs);
  if (tail !== null) chosen = Number(tail) === 0 ? [] : chosen.slice(-Number(tail));
  const stamped = isSet(query.get("timestamps"));
  const text = chosen.map(({ at, text }) => `${stamped ? `${at.replace("Z", ".000000000Z")} ` : ""}${text}\n`).join("");
  const limit = query.get("limitBytes");
  return limit === null ? text : text.slice(0, Number(limit));
}
