// Redis for tests: the real server where it is installed, else a small one that speaks as much of RESP 3 as is needed.
import { spawn, spawnSync } from "node:child_process";
import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

export interface RedisServer {
  readonly url: string;
  readonly real: boolean;
  close(): Promise<void>;
}

export async function startRedis(password: string): Promise<RedisServer> {
  const there = spawnSync("redis-server", ["--version"]).status === 0;
  return there ? startReal(password) : startSmall(password);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startReal(password: string): Promise<RedisServer> {
  const port = await freePort();
  const args = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no",
    "--requirepass",
    password,
  ];
  const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (part: Buffer) => {
      text += part.toString("utf8");
      if (text.includes("Ready to accept connections")) resolve();
    });
    child.once("exit", () => reject(new Error(`redis-server ended: ${text}`)));
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    real: true,
    async close() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** One command's words of a RESP array, and what follows it; undefined while it is not whole. */
function readCommand(bytes: Buffer): { words: Buffer[]; rest: Buffer } | undefined {
  let at = 0;
  const line = (): string | undefined => {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const text = bytes.toString("utf8", at, end);
    at = end + 2;
    return text;
  };
  const count = Number(line()?.slice(1) ?? Number.NaN);
  if (Number.isNaN(count)) return undefined;
  const words: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    const size = Number(line()?.slice(1) ?? Number.NaN);
    if (Number.isNaN(size) || at + size + 2 > bytes.length) return undefined;
    words.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
  return { words, rest: bytes.subarray(at) };
}

async function startSmall(password: string): Promise<RedisServer> {
  const values = new Map<string, Buffer>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let open = false;
    let bytes: Buffer = Buffer.alloc(0);
    const run = (words: readonly Buffer[]): void => {
      const [name = "", ...rest] = words.map(String);
      if (name.toUpperCase() === "HELLO") {
        open = rest[3] === password;
        socket.write(open ? "%1\r\n$5\r\nproto\r\n:3\r\n" : "-WRONGPASS invalid password\r\n");
      } else if (!open) socket.write("-NOAUTH Authentication required.\r\n");
      else if (name.toUpperCase() === "SET") {
        values.set(rest[0] ?? "", Buffer.from(words[2] ?? ""));
        socket.write("+OK\r\n");
      } else if (name.toUpperCase() === "GET") {
        const found = values.get(rest[0] ?? "");
        socket.write(
          found ? Buffer.concat([Buffer.from(`$${found.length}\r\n`), found, Buffer.from("\r\n")]) : "_\r\n",
        );
      } else socket.write("+OK\r\n");
    };
    socket.on("error", () => {});
    socket.on("data", (part: Buffer) => {
      bytes = Buffer.concat([bytes, part]);
      for (let next = readCommand(bytes); next; next = readCommand(bytes)) {
        bytes = next.rest;
        run(next.words);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    real: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
