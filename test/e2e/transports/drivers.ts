// The drivers of a run: the API's three transports, our command line, and argocd's own where DRIFTLESS_TEST_ARGOCD names it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { program as own, runToEnd } from "../../support/cli.ts";
import { grpcCaller, Refused, restCaller, type Server } from "../../support/rpc.ts";
import { apiDriver, cliDriver, type CommandLine, type Driver } from "./driver.ts";

const argocdVariable = "DRIFTLESS_TEST_ARGOCD";

interface Kind {
  readonly name: string;
  readonly isApi: boolean;
  make(server: Server, home: string): Driver;
}

const api = (name: string, prefix: string, caller: typeof restCaller): Kind => ({
  name,
  isApi: true,
  make: (server) => apiDriver(name, prefix, caller(server)),
});

const cli = (name: string, prefix: string, command: readonly [string, ...string[]]): Kind => ({
  name,
  isApi: false,
  make: (server, home) => cliDriver(name, prefix, commandLine(command, server, join(home, prefix))),
});

/** The drivers by name; what is left out is said in one line. */
export function driverKinds(env: Readonly<Record<string, string | undefined>>): readonly Kind[] {
  const argocd = env[argocdVariable];
  if (argocd === undefined) process.stderr.write(`argocd as a driver left out; ${argocdVariable}=PATH brings it in\n`);
  return [
    api("REST", "t-rest", restCaller),
    api("gRPC", "t-grpc", (server) => grpcCaller("gRPC", server)),
    api("gRPC-Web", "t-web", (server) => grpcCaller("gRPC-Web", server)),
    cli("driftless", "t-own", [own]),
    ...(argocd === undefined
      ? []
      : [cli("argocd", "t-argo", [argocd]), cli("argocd by gRPC-Web", "t-argow", [argocd, "--grpc-web"])]),
  ];
}

/** A folder for what command lines keep and read. */
export function temporaryHome(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "driftless-drivers-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function commandLine(command: readonly [string, ...string[]], server: Server, home: string): CommandLine {
  const file = (name: string, content: string): string => {
    const path = join(home, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const { protocol, host } = new URL(server.url);
  const secure = protocol === "https:";
  const trust = secure ? ["--server-crt", file("server.pem", server.ca ?? "")] : ["--plaintext"];
  const [program, ...first] = command;
  const last = [...first, "--server", host, "--auth-token", server.token, ...trust];
  const run: CommandLine["run"] = (args, options) =>
    runToEnd(program, [...args, ...last], { home, timeoutMs: 90_000, ...options });
  const said: CommandLine["said"] = async (args, options) => {
    const { code, out, err } = await run(args, options);
    if (code !== 0) throw new Refused("", sentence(err) || `${args.join(" ")} ended with ${code}\n${out}`);
    return out;
  };
  return {
    run,
    said,
    json: async <T>(args: readonly string[]) => JSON.parse(await said([...args, "-o", "json"])) as T,
    file,
  };
}

/** What a command ended with: argocd writes lines of JSON. */
function sentence(err: string): string {
  const lines = err.trim().split("\n");
  const told = lines.flatMap((line) => {
    try {
      return (JSON.parse(line) as { msg?: string }).msg ?? [];
    } catch {
      return [];
    }
  });
  return told.length > 0 ? told.join("\n") : err.trim();
}
