// Plugins in sidecars: each has a unix socket in one folder and speaks Argo CD's protocol for them over gRPC. Source: Argo
// CD's "Config Management Plugins", and the service plugin.ConfigManagementPluginService.
import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Client } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import {
  AppStreamRequestSchema,
  ConfigManagementPluginService,
  type AppStreamRequest,
} from "#protocol/gen/argoproj/plugin_pb.js";
import { archive } from "./archive.ts";
import type { ParameterAnnouncement, Plugin, PluginRequest, Plugins } from "./types.ts";
import { tellable } from "./words.ts";

export interface SidecarOptions {
  /** The folder of the sockets: `NAME.sock` or `NAME-VERSION.sock`. */
  readonly dir: string;
  readonly clock: Clock;
  /** What one request may take; default 90 seconds, as Argo CD's `ARGOCD_EXEC_TIMEOUT`. */
  readonly timeoutMs?: number;
  /** Bytes of one answer; default 100 MiB. */
  readonly maxAnswerBytes?: number;
}

const chunkBytes = 64 << 10;
/** What the question may take that every source waits for: whether a plugin looks for sources at all. */
const discoversMs = 3000;
/** How long a plugin that did not answer it is not asked again. */
const restMs = 15_000;

/** Plugins by the sockets that are in the folder whenever somebody asks; a folder that is not there has none. */
export function sidecarPlugins(options: SidecarOptions): Plugins {
  const open = new Map<string, Sidecar>();
  return {
    async list() {
      const names = await readdir(options.dir).catch(() => []);
      const found = new Map<string, Sidecar>();
      for (const file of names.sort((a, b) => (a < b ? -1 : 1))) {
        if (!file.endsWith(".sock")) continue;
        const path = join(options.dir, file);
        const is = await stat(path).catch(() => undefined);
        if (!is?.isSocket()) continue;
        const identity = `${path} ${is.ino} ${is.mtimeMs}`;
        const known = open.get(path);
        found.set(path, known?.identity === identity ? known : new Sidecar(path, file.slice(0, -5), identity, options));
      }
      for (const [path, sidecar] of open) if (found.get(path) !== sidecar) sidecar.close();
      open.clear();
      for (const [path, sidecar] of found) open.set(path, sidecar);
      return [...found.values()];
    },
    async close() {
      for (const sidecar of open.values()) sidecar.close();
      open.clear();
    },
  };
}

class Sidecar implements Plugin {
  readonly name: string;
  readonly identity: string;
  private readonly options: SidecarOptions;
  private readonly session: Http2SessionManager;
  private readonly client: Client<typeof ConfigManagementPluginService>;
  private socket: Socket | undefined;
  private discovery: boolean | undefined;
  private silence: { readonly until: number; readonly error: DriftlessError } | undefined;

  constructor(path: string, name: string, identity: string, options: SidecarOptions) {
    this.name = name;
    this.identity = identity;
    this.options = options;
    const baseUrl = "http://localhost";
    this.session = new Http2SessionManager(baseUrl, {}, { createConnection: () => (this.socket = connect(path)) });
    this.client = createClient(
      ConfigManagementPluginService,
      createGrpcTransport({
        baseUrl,
        sessionManager: this.session,
        readMaxBytes: options.maxAnswerBytes ?? 100 << 20,
      }),
    );
  }

  close(): void {
    this.session.abort();
    this.socket?.destroy(); // one that the session was still waiting for
  }

  /** Asked once: while a sidecar runs, its configuration stays what it is. One that does not answer is left alone a while. */
  async discovers(op: Operation): Promise<boolean> {
    if (this.discovery !== undefined) return this.discovery;
    if (this.silence && this.options.clock.monotonic() < this.silence.until) throw this.silence.error;
    try {
      const asked = { signal: op.signal, timeoutMs: Math.min(discoversMs, this.options.timeoutMs ?? discoversMs) };
      const { isDiscoveryConfigured } = await this.client.checkPluginConfiguration({}, asked);
      this.silence = undefined;
      return (this.discovery = isDiscoveryConfigured);
    } catch (thrown) {
      const error = this.explain(op, ConnectError.from(thrown), {}, discoversMs);
      if (error.code !== "CANCELLED") this.silence = { until: this.options.clock.monotonic() + restMs, error };
      throw error;
    }
  }

  matches(op: Operation, request: PluginRequest): Promise<boolean> {
    return this.call(op, request.environment, async (call) => {
      const answer = await this.client.matchRepository(messages(request), call);
      return answer.isSupported;
    });
  }

  generate(op: Operation, request: PluginRequest): Promise<readonly string[]> {
    return this.call(op, request.environment, async (call) => {
      const answer = await this.client.generateManifest(messages(request), call);
      return answer.manifests;
    });
  }

  parameters(op: Operation, request: PluginRequest): Promise<readonly ParameterAnnouncement[]> {
    return this.call(op, request.environment, async (call) => {
      const { parameterAnnouncements } = await this.client.getParametersAnnouncement(messages(request), call);
      return parameterAnnouncements.map(
        ({ name, title, tooltip, required, itemType, collectionType, string, array, map }) => ({
          name,
          title,
          tooltip,
          required,
          itemType,
          collectionType,
          string,
          array,
          map,
        }),
      );
    });
  }

  private async call<T>(
    op: Operation,
    environment: PluginRequest["environment"],
    work: (call: { readonly signal: AbortSignal; readonly timeoutMs: number }) => Promise<T>,
  ): Promise<T> {
    const timeoutMs = this.options.timeoutMs ?? 90_000;
    try {
      return await work({ signal: op.signal, timeoutMs });
    } catch (thrown) {
      // The files of the request are read while it is sent: their error is what happened.
      const inner = thrown instanceof ConnectError ? thrown.cause : thrown;
      if (inner instanceof DriftlessError) throw inner;
      throw this.explain(op, ConnectError.from(thrown), environment, timeoutMs);
    }
  }

  private explain(
    op: Operation,
    error: ConnectError,
    environment: PluginRequest["environment"],
    timeoutMs: number,
  ): DriftlessError {
    const details = { field: "spec.source.plugin" };
    const said = tellable(error.rawMessage, environment);
    if (op.signal.aborted) return new DriftlessError("CANCELLED", "the caller gave up");
    switch (error.code) {
      case Code.DeadlineExceeded:
        return new DriftlessError(
          "RENDER_TIMEOUT",
          `the plugin ${this.name} did not answer within ${timeoutMs / 1000} s`,
          { details },
        );
      case Code.ResourceExhausted:
        return new DriftlessError("RENDER_TOO_LARGE", `the plugin ${this.name}: ${said}`, { details });
      case Code.Unavailable:
      case Code.Canceled:
      case Code.Aborted:
        return new DriftlessError("PLUGIN_UNREACHABLE", `the plugin ${this.name} does not answer: ${said}`, {
          details,
          cause: error,
        });
      default:
        return new DriftlessError("RENDER_FAILED", `the plugin ${this.name} failed: ${said}`, {
          details,
          cause: error,
        });
    }
  }
}

/** The metadata, then the archive in pieces. */
async function* messages(request: PluginRequest): AsyncGenerator<AppStreamRequest> {
  const bytes = await archive(await request.files());
  const env = Object.entries(request.environment).map(([name, value]) => ({ name, value }));
  yield create(AppStreamRequestSchema, {
    metadata: {
      appName: request.appName,
      appRelPath: request.folder === "" ? "." : request.folder,
      checksum: createHash("sha256").update(bytes).digest("hex"),
      size: BigInt(bytes.length),
      env,
    },
  });
  for (let at = 0; at < bytes.length; at += chunkBytes)
    yield create(AppStreamRequestSchema, { file: { chunk: bytes.subarray(at, at + chunkBytes) } });
}
