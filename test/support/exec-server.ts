// A stand-in for an API server's exec endpoint: the WebSocket of `v5.channel.k8s.io`, behind it a shell that repeats what
// is typed. For tests of terminals: the sandbox's pods, and those of the real control plane, have no processes.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";

export interface ExecServer {
  readonly url: string;
  /** `path?query` of each request, in order. */
  readonly requests: readonly string[];
  /** Sizes that terminals were told. */
  readonly sizes: readonly unknown[];
  close(): Promise<void>;
}

/** Shells that are not in `shells` end as a runtime ends what is not there. `exit` ends a shell with code 3. */
export async function startExecServer(shells: readonly string[]): Promise<ExecServer> {
  const requests: string[] = [];
  const sizes: unknown[] = [];
  const http: Server = createServer((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false });
  http.on("upgrade", (request, socket, head) => {
    requests.push(request.url ?? "");
    const query = new URL(request.url ?? "/", "http://localhost").searchParams;
    if (request.headers.authorization !== "Bearer kube") {
      const body = JSON.stringify({ kind: "Status", message: 'pods "p" is forbidden', reason: "Forbidden", code: 403 });
      socket.end(`HTTP/1.1 403 Forbidden\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) =>
      shell(client, shells.includes(query.get("command") ?? "")),
    );
  });
  const shell = (client: WebSocket, isThere: boolean): void => {
    const send = (number: number, text: string): void =>
      client.send(Buffer.concat([Buffer.of(number), Buffer.from(text)]));
    if (!isThere) {
      send(3, JSON.stringify({ status: "Failure", reason: "InternalError", message: "no such file" }));
      return;
    }
    send(1, "$ ");
    let typed = "";
    client.on("message", (data) => {
      const frame = data as Buffer;
      const text = frame.subarray(1).toString("utf8");
      if (frame[0] === 4) {
        sizes.push(JSON.parse(text));
        return;
      }
      typed += text;
      if (/(^|[\r\n])exit[\r\n]$/.test(typed))
        send(
          3,
          JSON.stringify({
            status: "Failure",
            reason: "NonZeroExitCode",
            message: "command terminated with non-zero exit code",
            details: { causes: [{ reason: "ExitCode", message: "3" }] },
          }),
        );
      else send(1, text);
    });
  };
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests,
    sizes,
    async close() {
      for (const client of sockets.clients) client.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
