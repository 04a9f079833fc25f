// What the tests of this folder share: one `driftless up` with accounts of every kind, and calls by gRPC and REST whose
// answers come back as they are, refusals too.
import { get as httpGet } from "node:http";
import type { DescMethod, DescMethodStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { DriftlessError } from "#base/errors.ts";
import { fromJson, toJson } from "#protocol/json.ts";
import type { Binding } from "#protocol/services.ts";
import { eventually } from "../support/eventually.ts";
import { statusName } from "../support/rpc.ts";
import { connectKube, type Kube } from "../support/kube.ts";
import { startUp, type Up, type UpOptions } from "../support/up.ts";

export const roles = ["anonymous", "none", "readonly", "other", "right", "admin"] as const;
export type Role = (typeof roles)[number];

export interface Guarded {
  readonly up: Up;
  readonly kube: Kube;
  readonly transport: Transport;
  readonly tokens: Readonly<Record<Role, string>>;
  /** Makes the guarded objects again that are gone; returns when the API answers with them. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** An answer by any transport: a gRPC status name, `OK`, or `UNANSWERED`. */
export interface Answer {
  readonly status: string;
  readonly message: string;
  readonly body?: unknown;
}

const guardedProject = "guarded-project";
const guardedRepository = "https://127.0.0.1:9/guarded.git";
const guardedCluster = "https://127.0.0.1:9/guarded";

const secret = (name: string, type: string, stringData: Record<string, string>): object => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "argocd", labels: { "argocd.argoproj.io/secret-type": type } },
  stringData,
});

function project(name: string): object {
  const kinds = ["applications", "applicationsets", "repositories", "write-repositories", "clusters", "logs"];
  const policies = kinds.map((kind) => `p, proj:${name}:all, ${kind}, *, ${name}/*, allow`);
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AppProject",
    metadata: { name, namespace: "argocd" },
    spec: {
      sourceRepos: ["*"],
      destinations: [{ server: "*", namespace: "*" }],
      clusterResourceWhitelist: [{ group: "*", kind: "*" }],
      roles: [{ name: "all", policies }],
    },
  };
}

function application(repoURL: string): object {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: "guarded", namespace: "argocd" },
    spec: {
      project: guardedProject,
      source: { repoURL, path: "guestbook", targetRevision: "main" },
      destination: { server: "https://kubernetes.default.svc", namespace: "default" },
    },
  };
}

function guardedObjects(repoURL: string): readonly object[] {
  const repository = { url: guardedRepository, project: guardedProject, type: "git" };
  return [
    secret("guarded-repository", "repository", repository),
    secret("guarded-write", "repository-write", repository),
    secret("guarded-cluster", "cluster", {
      server: guardedCluster,
      name: "guarded",
      project: guardedProject,
      config: "{}",
    }),
    application(repoURL),
    {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "ApplicationSet",
      metadata: { name: "guarded", namespace: "argocd" },
      spec: {
        generators: [{ list: { elements: [] } }],
        template: {
          metadata: { name: "x" },
          spec: { project: guardedProject, source: { repoURL: guardedRepository, path: "." }, destination: {} },
        },
      },
    },
  ];
}

/** Starts the program with accounts without a role, with read access, of another project and of the right one. */
export async function startGuarded(options: UpOptions = {}): Promise<Guarded> {
  const up = await startUp(options);
  const kube = connectKube(up.kubeconfig);
  const { namespace } = up;
  const create_ = (object: unknown): Promise<unknown> => kube.create(object as never);
  await kube.edit(
    "ConfigMap",
    { name: "argocd-cm", namespace },
    {
      data: { "exec.enabled": "true", "accounts.none": "apiKey, login", "accounts.readonly": "apiKey, login" },
    },
  );
  await kube.edit(
    "ConfigMap",
    { name: "argocd-rbac-cm", namespace },
    { data: { "policy.csv": "g, readonly, role:readonly" } },
  );
  for (const name of [guardedProject, "other-project"]) await create_(project(name));
  const restore = async (): Promise<void> => {
    for (const object of guardedObjects(up.cloneUrl))
      await create_(object).catch((thrown: unknown) => {
        if (!(thrown instanceof DriftlessError && thrown.code === "ALREADY_EXISTS")) throw thrown;
      });
    await eventually(async () => {
      for (const path of ["applications/guarded", "applicationsets/guarded"])
        await up.api.must("GET", `/api/v1/${path}`);
      await up.api.must("GET", `/api/v1/clusters/${encodeURIComponent(guardedCluster)}`);
      for (const path of ["repositories", "write-repositories"])
        await up.api.must(
          "GET",
          `/api/v1/${path}/${encodeURIComponent(guardedRepository)}?appProject=${guardedProject}`,
        );
    });
  };
  await restore();
  await eventually(async () => {
    for (const name of [guardedProject, "other-project"]) await up.api.must("GET", `/api/v1/projects/${name}`);
    await up.api.must("GET", "/api/v1/account/readonly");
  });
  const tokenAt = async (path: string): Promise<string> =>
    (await up.api.must<{ token: string }>("POST", path, {})).token;
  const tokens = {
    anonymous: "",
    none: await tokenAt("/api/v1/account/none/token"),
    readonly: await tokenAt("/api/v1/account/readonly/token"),
    other: await tokenAt("/api/v1/projects/other-project/roles/all/token"),
    right: await tokenAt(`/api/v1/projects/${guardedProject}/roles/all/token`),
    admin: await up.api.token(),
  };
  const transport = createGrpcTransport({ baseUrl: up.url });
  return {
    up,
    kube,
    transport,
    tokens,
    restore,
    async close() {
      kube.close().catch(() => {});
      await up.stop();
    },
  };
}

const silentForMs = 500;
const withinMs = 40_000;

/** One call by gRPC; of a stream what it says within a moment. */
export async function byGrpc(
  world: Pick<Guarded, "transport">,
  method: DescMethod,
  request: object,
  token: string,
): Promise<Answer> {
  return sendGrpc(world, method, fromJson(method.input, request), token);
}

/** The same with a message as it stands. */
async function sendGrpc(
  { transport }: Pick<Guarded, "transport">,
  method: DescMethod,
  message: Message,
  token: string,
): Promise<Answer> {
  const headers = token === "" ? {} : { authorization: `Bearer ${token}` };
  const said: unknown[] = [];
  const ending = new AbortController();
  const late = setTimeout(() => ending.abort(), method.methodKind === "server_streaming" ? silentForMs : withinMs);
  try {
    if (method.methodKind === "unary") {
      const { message: answer } = await transport.unary(
        method as DescMethodUnary,
        ending.signal,
        undefined,
        headers,
        message,
      );
      return { status: "OK", message: "", body: toJson(method.output, answer) };
    }
    const input = (async function* () {
      await Promise.resolve();
      yield message;
    })();
    const answer = await transport.stream(method as DescMethodStreaming, ending.signal, undefined, headers, input);
    for await (const each of answer.message) said.push(toJson(method.output, each));
    return { status: "OK", message: "", body: said };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    if (ending.signal.aborted)
      return { status: method.methodKind === "unary" ? "UNANSWERED" : "OK", message: "", body: said };
    return { status: statusName(error.code), message: error.rawMessage };
  } finally {
    clearTimeout(late);
    ending.abort();
  }
}

/** Asks for a WebSocket, and is refused in any case: what is asked for is not there. */
export async function byUpgrade(
  url: string,
  route: string,
  request: Record<string, unknown>,
  token: string,
): Promise<Answer> {
  const path = `${route.split(" ")[1]}?${new URLSearchParams(request as Record<string, string>).toString()}`;
  const headers = {
    connection: "upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
  };
  return new Promise((resolve, reject) => {
    const asked = httpGet(new URL(path, url), { headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve(answerOf(response.statusCode ?? 0, text)));
    });
    asked.on("upgrade", () => reject(new Error(`${route} became a WebSocket`)));
    asked.on("error", reject);
  });
}

/** The same by REST: what the binding has in the path goes there, the rest into the body or the query. */
export async function byRest(
  url: string,
  binding: Binding,
  request: Record<string, unknown>,
  token: string,
): Promise<Answer> {
  const rest: Record<string, unknown> = structuredClone(request);
  const path = binding.path.replace(/\{([^}=]+)(=\*\*)?\}/g, (_all, name: string) =>
    encodeURIComponent(take(rest, name.split("."))),
  );
  const body = binding.body === "*" ? rest : binding.body === "" ? undefined : (rest[binding.body] ?? {});
  if (binding.body !== "*" && binding.body !== "") delete rest[binding.body];
  const query = new URLSearchParams();
  if (binding.body !== "*")
    for (const [name, value] of Object.entries(rest))
      for (const each of [value].flat())
        if (typeof each === "string" || typeof each === "boolean") query.append(name, `${each}`);
  return send(`${url}${path}${query.size > 0 ? `?${query.toString()}` : ""}`, {
    method: binding.verb,
    headers: token === "" ? {} : { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Any request; a body that does not end is read for a moment. */
export async function send(
  url: string,
  init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string },
): Promise<Answer> {
  const headers = { ...(init.body === undefined ? {} : { "content-type": "application/json" }), ...init.headers };
  const ending = new AbortController();
  let late = setTimeout(() => ending.abort(), withinMs);
  try {
    const response = await fetch(url, { ...init, headers, signal: ending.signal });
    clearTimeout(late);
    late = setTimeout(() => ending.abort(), silentForMs);
    let text = "";
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) text += decoder.decode(chunk as Uint8Array, { stream: true });
    } catch (thrown) {
      if (!ending.signal.aborted) throw thrown;
    }
    return answerOf(response.status, text);
  } finally {
    clearTimeout(late);
    ending.abort();
  }
}

function answerOf(status: number, text: string): Answer {
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Not every answer is JSON.
  }
  const { code, message } = (body ?? {}) as { code?: number; message?: string };
  if (status < 300) return { status: "OK", message: "", body };
  return { status: typeof code === "number" ? statusName(code) : `HTTP ${status}`, message: message ?? "", body };
}

function take(from: Record<string, unknown>, [name, ...rest]: readonly string[]): string {
  const value = from[name!];
  if (rest.length > 0) return take((value ?? {}) as Record<string, unknown>, rest);
  delete from[name!];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
