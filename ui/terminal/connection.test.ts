import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openTerminal, terminalPath, type Ending, type TerminalConnection } from "./connection.ts";

const target = {
  application: "shop",
  appNamespace: "argocd",
  project: "team a",
  namespace: "n",
  pod: "web-1",
  container: "web",
  shell: "",
};

/** A socket whose other end is the test. */
class Socket {
  readyState = 0;
  readonly sent: unknown[] = [];
  readonly #listeners = new Map<string, (event: object) => void>();
  readonly send = (text: string): void => void this.sent.push(JSON.parse(text));
  readonly close = (): void => this.tell("close", { code: 1005 });
  readonly addEventListener = (type: string, listener: unknown): void =>
    void this.#listeners.set(type, listener as (event: object) => void);

  tell(type: string, event: object = {}): void {
    this.readyState = type === "open" ? 1 : type === "close" ? 3 : this.readyState;
    this.#listeners.get(type)!(event);
  }
}

describe("a terminal's connection", () => {
  let socket: Socket;
  let written: string;
  let endings: Ending[];
  let connection: TerminalConnection;

  beforeEach(() => {
    vi.stubGlobal("WebSocket", { OPEN: 1 });
    socket = new Socket();
    written = "";
    endings = [];
    const handlers = {
      opened: () => {},
      output: (text: string) => void (written += text),
      ended: (ending: Ending) => void endings.push(ending),
    };
    connection = openTerminal(target, handlers, () => socket as never);
  });
  afterEach(() => void vi.unstubAllGlobals());

  it("asks as Argo CD's page does", () => {
    expect(terminalPath(target)).toBe(
      "/terminal?appName=shop&projectName=team+a&namespace=n&pod=web-1&container=web&appNamespace=argocd",
    );
    expect(terminalPath({ ...target, appNamespace: "", shell: "sh" })).toMatch(/container=web&shell=sh$/);
  });

  it("types, resizes and shows once it is open, and not before", () => {
    connection.write("early");
    socket.tell("open");
    connection.resize(80, 24);
    connection.write("ls\n");
    socket.tell("message", { data: JSON.stringify({ operation: "stdout", data: "a b" }) });
    socket.tell("message", { data: "no frame" });
    expect(socket.sent).toEqual([
      { operation: "resize", cols: 80, rows: 24 },
      { operation: "stdin", data: "ls\n" },
    ]);
    expect(written).toBe("a b");
  });

  it.each<[Ending, readonly [string, object?][]]>([
    ["refused", [["close", { code: 1006 }]]],
    ["exit", [["open"], ["close", { code: 1005 }]]],
    ["lost", [["open"], ["close", { code: 1006 }]]],
    ["denied", [["open"], ["close", { code: 1008 }]]],
    ["session", [["open"], ["message", { data: '{"Code":1}' }], ["close", { code: 1008 }]]],
  ])("says why it ended: %s", (expected, events) => {
    for (const [type, event] of events) socket.tell(type, event);
    expect(endings).toEqual([expected]);
  });

  it("says nothing when the page itself closes it", () => {
    socket.tell("open");
    connection.close();
    expect(endings).toEqual([]);
  });
});
