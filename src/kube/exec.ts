// A process in a container, over the API server's WebSocket (`v5.channel.k8s.io`, else `v4`): what it writes, what is
// typed, the size of its terminal. Loaded when it is first asked for. Source: Kubernetes' remotecommand protocol
// (KEP-4006); channel numbers stand in the first byte of each frame.
import { DriftlessError } from "#base/errors.ts";
import { isObject, listAt, stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Connection } from "./connection.ts";
import { objectPath } from "./paths.ts";
import { openSocket } from "./socket.ts";
import { errorOfNetwork } from "./status.ts";
import type { ExecHandlers, ExecRequest, ExecSession } from "./types.ts";

const protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
const podType = { group: "", version: "v1", plural: "pods", namespaced: true };

/** Resolves when the process is being started. Errors: those of any request, before that; later ones go to `onEnd`. */
export async function openExec(
  op: Operation,
  connection: Connection,
  headers: Readonly<Record<string, string>>,
  { request, handlers }: { readonly request: ExecRequest; readonly handlers: ExecHandlers },
): Promise<ExecSession> {
  const path = objectPath(podType, { namespace: request.namespace, name: request.pod }, "exec");
  const context = { server: connection.server, what: `exec ${path}` };
  let ended = false;
  const end = (error?: DriftlessError): void => {
    if (ended) return;
    ended = true;
    handlers.onEnd(error);
    close();
  };
  let close = (): void => {};
  const open = await openSocket(op, connection, {
    path: `${path}?${parametersOf(request)}`,
    protocols,
    headers,
    what: context.what,
    onFrame(frame) {
      if (frame[0] === channel.stdout || frame[0] === channel.stderr) {
        if (frame.length > 1) handlers.onOutput(frame.subarray(1));
      } else if (frame[0] === channel.error) end(outcomeOf(frame.subarray(1).toString("utf8")));
    },
  });
  close = () => open.close();
  open.on("error", (error) => end(errorOfNetwork(error, context)));
  open.on("close", () => end(new DriftlessError("CLUSTER_UNREACHABLE", `${context.what}: the connection ended`)));
  if (ended) close();
  const send = (number: number, bytes: Uint8Array): void => {
    if (open.readyState === open.OPEN) open.send(Buffer.concat([Buffer.of(number), bytes]));
  };
  return {
    write: (bytes) => send(channel.stdin, bytes),
    resize: (columns, rows) => send(channel.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))),
    pause: () => open.pause(),
    resume: () => open.resume(),
    get waitingBytes() {
      return open.bufferedAmount;
    },
    close() {
      ended = true;
      open.close();
    },
  };
}

function parametersOf({ container, command, tty }: ExecRequest): string {
  const parameters = new URLSearchParams({ container, stdin: "true", stdout: "true", tty: String(tty) });
  // A terminal has one stream for both.
  if (!tty) parameters.set("stderr", "true");
  for (const word of command) parameters.append("command", word);
  return parameters.toString();
}

/** What the process came to, by the Status that ends it: undefined where it succeeded. */
function outcomeOf(text: string): DriftlessError | undefined {
  let status: unknown;
  try {
    status = JSON.parse(text);
  } catch {
    return new DriftlessError("KUBERNETES_REFUSED", text.trim().slice(0, 500));
  }
  if (!isObject(status) || stringAt(status, "status") === "Success") return undefined;
  const causes = listAt(status, "details", "causes").filter(isObject);
  const exit = causes.find((cause) => cause["reason"] === "ExitCode");
  return new DriftlessError("KUBERNETES_REFUSED", stringAt(status, "message") ?? "the process failed", {
    details: {
      reason: stringAt(status, "reason") ?? "",
      ...(exit === undefined ? {} : { exitCode: Number(exit["message"]) }),
    },
  });
}
