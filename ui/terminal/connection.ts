// The WebSocket of a terminal: frames as the server has them, and in one word why it ended.

export interface TerminalTarget {
  readonly application: string;
  readonly appNamespace: string;
  readonly project: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** "" for the first that there is. */
  readonly shell: string;
}

/**
 * `exit`: the shell ended. `session`: whoever is logged in has to log in anew. `denied`: no longer allowed. `refused`: it
 * never began. `lost`: the connection broke.
 */
export type Ending = "exit" | "session" | "denied" | "refused" | "lost";

export interface TerminalHandlers {
  opened(): void;
  output(text: string): void;
  ended(ending: Ending): void;
}

export interface TerminalConnection {
  write(text: string): void;
  resize(columns: number, rows: number): void;
  close(): void;
}

type Socket = Pick<WebSocket, "send" | "close" | "readyState" | "addEventListener">;

const policyViolation = 1008;
const normal: readonly number[] = [1000, 1005];

/** The path and query of a terminal, as Argo CD's page asks for it. */
export function terminalPath(target: TerminalTarget): string {
  const { application, appNamespace, project, namespace, pod, container, shell } = target;
  const query = new URLSearchParams({ appName: application, projectName: project, namespace, pod, container });
  if (appNamespace !== "") query.set("appNamespace", appNamespace);
  if (shell !== "") query.set("shell", shell);
  return `/terminal?${query.toString()}`;
}

/** What goes wrong is told by `ended`, once. `open` makes the socket: tests make theirs. */
export function openTerminal(
  target: TerminalTarget,
  handlers: TerminalHandlers,
  open: (path: string) => Socket = openSocket,
): TerminalConnection {
  const socket = open(terminalPath(target));
  let [begun, ended, sessionOver] = [false, false, false];
  const end = (ending: Ending): void => {
    if (ended) return;
    ended = true;
    handlers.ended(ending);
  };
  socket.addEventListener("open", () => {
    begun = true;
    handlers.opened();
  });
  socket.addEventListener("message", ({ data }) => {
    const frame = frameOf(data);
    if (frame?.Code === 1) sessionOver = true;
    else if (frame?.operation === "stdout") handlers.output(frame.data ?? "");
  });
  socket.addEventListener("close", ({ code }) => {
    if (sessionOver) end("session");
    else if (!begun) end("refused");
    else if (code === policyViolation) end("denied");
    else end(normal.includes(code) ? "exit" : "lost");
  });
  const send = (frame: object): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  };
  return {
    write: (data) => send({ operation: "stdin", data }),
    resize: (cols, rows) => send({ operation: "resize", cols, rows }),
    close() {
      ended = true;
      socket.close();
    },
  };
}

function openSocket(path: string): WebSocket {
  return new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
}

interface Frame {
  readonly operation?: string;
  readonly data?: string;
  readonly Code?: number;
}

function frameOf(data: unknown): Frame | undefined {
  try {
    return typeof data === "string" ? (JSON.parse(data) as Frame) : undefined;
  } catch {
    return undefined;
  }
}
