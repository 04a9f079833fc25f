// node test/render/sidecar.ts SOCKET PLUGIN_YAML: the server's side of the plugin protocol, for tests: what a plugin's
// sidecar does with a plugin.yaml, over gRPC on a unix socket. Says `ready` when it listens.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http2";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { extract } from "tar-stream";
import { parse } from "yaml";
import {
  ConfigManagementPluginService,
  type AppStreamRequest,
  type ManifestRequestMetadata,
} from "#protocol/gen/argoproj/plugin_pb.js";
import { runCommand } from "#render/plugin/run.ts";
import { testOperation } from "#git/testing.ts";

interface PluginYaml {
  readonly spec: {
    readonly init?: Command;
    readonly generate: Command;
    readonly discover?: { readonly fileName?: string; readonly find?: Command };
    readonly parameters?: { readonly static?: readonly Record<string, unknown>[]; readonly dynamic?: Command };
  };
}
interface Command {
  readonly command: readonly string[];
  readonly args?: readonly string[];
}

const [socket = "", file = ""] = process.argv.slice(2);
const { spec } = parse(readFileSync(file, "utf8")) as PluginYaml;
const op = testOperation();

/** Unpacks what was sent into a folder of its own; the checksum is checked as Argo CD's server does. */
async function receive<T>(
  stream: AsyncIterable<AppStreamRequest>,
  work: (folder: string, metadata: ManifestRequestMetadata) => Promise<T>,
): Promise<T> {
  let metadata: ManifestRequestMetadata | undefined;
  const chunks: Uint8Array[] = [];
  for await (const message of stream) {
    // The members of the protocol's oneof, however the generated code holds them.
    const { request } = message as { request?: { case?: string; value?: unknown } };
    const one = request?.case ? { [request.case]: request.value } : (message as unknown as Record<string, unknown>);
    if (one["metadata"]) metadata = one["metadata"] as ManifestRequestMetadata;
    if (one["file"]) chunks.push((one["file"] as { chunk: Uint8Array }).chunk);
  }
  if (!metadata) throw new ConnectError("no metadata came", Code.InvalidArgument);
  const bytes = Buffer.concat(chunks);
  if (createHash("sha256").update(bytes).digest("hex") !== metadata.checksum)
    throw new ConnectError("file checksum validation error", Code.DataLoss);
  if (BigInt(bytes.length) !== metadata.size) throw new ConnectError("another size", Code.DataLoss);
  const folder = mkdtempSync(join(tmpdir(), "driftless-sidecar-"));
  try {
    await unpack(bytes, folder);
    return await work(join(folder, metadata.appRelPath), metadata);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function unpack(bytes: Buffer, folder: string): Promise<void> {
  const tar = extract();
  tar.end(gunzipSync(bytes));
  for await (const entry of tar) {
    const name = join(folder, entry.header.name);
    mkdirSync(dirname(name), { recursive: true });
    const parts: Buffer[] = [];
    for await (const part of entry) parts.push(part as Buffer);
    if (entry.header.type === "symlink") symlinkSync(entry.header.linkname ?? "", name);
    else writeFileSync(name, Buffer.concat(parts));
  }
}

async function run(command: Command, cwd: string, metadata: ManifestRequestMetadata): Promise<string> {
  const environment: Record<string, string> = { PATH: process.env["PATH"] ?? "" };
  for (const { name, value } of metadata.env) if (name !== "" && value !== "") environment[name] = value;
  const words = [...command.command, ...(command.args ?? [])];
  const { stdout, stderr, problem } = await runCommand(op, { command: words, cwd, environment, limits: {} });
  if (problem) throw new ConnectError(`\`${words.join(" ")}\` ${problem.why}: ${stderr.trim()}`, Code.Unknown);
  return stdout;
}

const routes = (router: ConnectRouter): ConnectRouter =>
  router.service(ConfigManagementPluginService, {
    checkPluginConfiguration: () => ({ isDiscoveryConfigured: spec.discover !== undefined }),
    matchRepository: (stream) =>
      receive(stream, async (cwd, metadata) => {
        const find = spec.discover?.find ?? {
          command: ["sh", "-c", `ls ${spec.discover?.fileName ?? "none"} 2>/dev/null || true`],
        };
        return { isSupported: (await run(find, cwd, metadata)).trim() !== "", isDiscoveryEnabled: true };
      }),
    generateManifest: (stream) =>
      receive(stream, async (cwd, metadata) => {
        if (spec.init) await run(spec.init, cwd, metadata);
        return { manifests: (await run(spec.generate, cwd, metadata)).split(/^---$/m) };
      }),
    getParametersAnnouncement: (stream) =>
      receive(stream, async (cwd, metadata) => {
        const { dynamic, static: fixed = [] } = spec.parameters ?? {};
        const found = dynamic ? (JSON.parse(await run(dynamic, cwd, metadata)) as Record<string, unknown>[]) : [];
        return { parameterAnnouncements: [...found, ...fixed] };
      }),
  });

const server = createServer(connectNodeAdapter({ routes }));
server.listen(socket, () => console.log("ready"));
