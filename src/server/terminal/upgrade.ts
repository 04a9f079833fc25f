// The web terminal's door: `/terminal` as Argo CD's page asks for it. Everything that may be wrong is answered by HTTP
// before the WebSocket is there. Off unless `exec.enabled` in argocd-cm says "true".
// Source: Argo CD's server/application/terminal.go and "Web-based Terminal".
import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { DriftlessError, toError } from "#base/errors.ts";
import { isObject, listAt, stringAt } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { KubeClient } from "#kube/types.ts";
import type { Application } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ConfigData } from "#model/settings.ts";
import type { ApplicationTree } from "#protocol/rest.ts";
import type { ApplicationAccess } from "../application/access.ts";
import type { AppRef } from "../application/queries.ts";
import type { Account } from "../auth/account.ts";
import { authenticate } from "../auth/authenticate.ts";
import type { Sessions } from "../auth/sessions.ts";
import { errorBody } from "../http.ts";
import { recordAudit, type AuditEntry } from "../rpc/audit.ts";
import { runTerminal } from "./bridge.ts";

export interface TerminalDoorDeps {
  readonly clock: Clock;
  readonly sessions: Pick<Sessions, "verify" | "anonymous">;
  readonly access: Pick<ApplicationAccess, "require">;
  config(name: string): ConfigData | undefined;
  tree(ref: AppRef): ApplicationTree;
  /** The cluster that an application goes to. */
  cluster(app: Application): Pick<KubeClient, "get" | "exec">;
}

/** Where it is; a WebSocket, and so none of the HTTP surface's routes. */
export const terminalPath = "/terminal";

const podType = { group: "", version: "v1", plural: "pods", namespaced: true };
const defaultShells = "bash,sh,powershell,cmd";
const maxFrameBytes = 64 * 1024;
const name = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

interface Asked {
  readonly ref: AppRef;
  readonly pod: string;
  readonly container: string;
  readonly namespace: string;
  readonly shell: string;
}

/** Takes a request to upgrade, from the listener; answers it in every case. */
export async function terminalUpgrade(
  op: Op,
  deps: TerminalDoorDeps,
  given: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  const { request, socket, head } = given;
  socket.on("error", () => socket.destroy());
  const sinceMs = deps.clock.monotonic();
  let asked: Asked | undefined;
  let account: Account | undefined;
  const record = (event: "open" | "close", code: AuditEntry["code"]): void => {
    if (asked)
      recordAudit(
        op.log,
        entryOf(asked, { account, request, event, code, durationMs: deps.clock.monotonic() - sinceMs }),
      );
  };
  try {
    const { ref, pod, container, namespace, shell: wanted } = (asked = askedFor(deps, request));
    account = await accountOf(deps, request);
    const client = await admitted(op, deps, account, asked);
    const { WebSocketServer } = await import("ws");
    const server = new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false });
    server.handleUpgrade(request, socket, head, (page) => {
      record("open", "OK");
      const terminal = runTerminal(op, page, {
        clock: deps.clock,
        shells: shellsOf(deps, wanted),
        start: (inner, shell, handlers) =>
          client.exec(inner, { namespace, pod, container, command: [shell], tty: true }, handlers),
        stillAllowed: async () => void requireTerminal(deps, await accountOf(deps, request), ref),
      });
      void terminal.finally(() => record("close", "OK"));
    });
  } catch (thrown) {
    const error = toError(thrown);
    record("open", error.entry.grpc);
    refuse(op, socket, error);
  }
}

function entryOf(
  { ref, pod, container, namespace }: Asked,
  given: Pick<AuditEntry, "code" | "durationMs"> & {
    readonly account: Account | undefined;
    readonly request: IncomingMessage;
    readonly event: "open" | "close";
  },
): AuditEntry {
  const { account, request, event, code, durationMs } = given;
  return {
    user: account?.username ?? "",
    ...(account?.tokenId === undefined ? {} : { session: account.tokenId }),
    address: request.socket.remoteAddress ?? "",
    transport: "websocket",
    method: `terminal/${event}`,
    object: `Application ${ref.appNamespace ? `${ref.appNamespace}/` : ""}${ref.name} Pod ${namespace}/${pod} ${container}`,
    code,
    durationMs,
  };
}

function askedFor(deps: TerminalDoorDeps, request: IncomingMessage): Asked {
  const asked = request.url ?? "/";
  if (!URL.canParse(asked, "http://localhost"))
    throw new DriftlessError("INVALID_ARGUMENT", "the path of the request is none");
  const url = new URL(asked, "http://localhost");
  if (url.pathname !== terminalPath || deps.config("argocd-cm")?.["exec.enabled"] !== "true")
    throw new DriftlessError("NOT_FOUND", `there is nothing at ${url.pathname}`);
  const read = (parameter: string, required = true): string => {
    const value = url.searchParams.get(parameter) ?? "";
    if (value === "" ? required : !name.test(value))
      throw new DriftlessError("INVALID_ARGUMENT", `${parameter}: a name is expected`, {
        details: { field: parameter },
      });
    return value;
  };
  const appNamespace = read("appNamespace", false);
  return {
    ref: { name: read("appName"), project: read("projectName"), ...(appNamespace === "" ? {} : { appNamespace }) },
    pod: read("pod"),
    container: read("container"),
    namespace: read("namespace"),
    shell: url.searchParams.get("shell") ?? "",
  };
}

/** Who asks. A cookie counts only from our own pages: any other could open a WebSocket with it. */
function accountOf(deps: TerminalDoorDeps, request: IncomingMessage): Promise<Account | undefined> {
  const header = (field: string): string | undefined => {
    const value = request.headers[field];
    return typeof value === "string" ? value : undefined;
  };
  return authenticate(deps.sessions as Sessions, { header, writes: true });
}

function requireTerminal(deps: TerminalDoorDeps, account: Account | undefined, ref: AppRef): Application {
  deps.access.require(account, "get", ref);
  return deps.access.require(account, "create", ref, "exec");
}

async function admitted(
  op: Op,
  deps: TerminalDoorDeps,
  account: Account | undefined,
  asked: Asked,
): Promise<Pick<KubeClient, "exec">> {
  if (!account) throw new DriftlessError("UNAUTHENTICATED", "no session information");
  const { pod, namespace, container, ref } = asked;
  const app = requireTerminal(deps, account, ref);
  if ((app.spec.project || "default") !== ref.project)
    throw new DriftlessError("INVALID_ARGUMENT", "the application is of another project");
  const mine = (deps.tree(ref).nodes ?? []).some(
    (node) =>
      node.kind === "Pod" && !node.group && node.uid && node.name === pod && (node.namespace ?? "") === namespace,
  );
  if (!mine) throw new DriftlessError("INVALID_ARGUMENT", "the pod is not one of the application's");
  const client = deps.cluster(app);
  const live = await client.get(op, podType, { namespace, name: pod });
  if (stringAt(live, "status", "phase") !== "Running")
    throw new DriftlessError("FAILED_PRECONDITION", "the pod is not running");
  if (!containersOf(live).includes(container))
    throw new DriftlessError("INVALID_ARGUMENT", "the pod has no container of this name");
  return client;
}

function containersOf(pod: KubernetesObject | undefined): readonly unknown[] {
  return ["containers", "initContainers", "ephemeralContainers"]
    .flatMap((field) => listAt(pod, "spec", field))
    .filter(isObject)
    .map((container) => container["name"]);
}

/** The shell that was asked for, where it is allowed; else all that are. */
function shellsOf(deps: TerminalDoorDeps, asked: string): readonly string[] {
  const allowed = (deps.config("argocd-cm")?.["exec.shells"] ?? defaultShells)
    .split(",")
    .flatMap((shell) => shell.trim() || []);
  return allowed.includes(asked) ? [asked] : allowed;
}

function refuse(op: Op, socket: Duplex, error: DriftlessError): void {
  if (error.code === "INTERNAL") op.log.error("terminal failed", { error: error.message, stack: error.stack });
  const { http: status } = error.entry;
  const body = JSON.stringify(errorBody(error));
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
      "connection: close",
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join("\r\n"),
  );
}
