// `--core`: the API answered in the process of the command, from the cluster of the kubeconfig, for that command alone.
// It reads, and writes what requests ask for; whoever runs the installation's controllers goes on doing their work.
// Loaded by the commands that need it, since it brings the whole server.
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { types } from "#cli/admin/target.ts";
import type { Context } from "#cli/context.ts";
import { onKubeconfig } from "#cli/kube/kube-target.ts";
import type { ApplicationStatus } from "#model/application.ts";
import { createClient } from "#kube/client.ts";
import type { KubeClient } from "#kube/types.ts";
import { systemClock, systemRandom } from "#runtime/system.ts";
import { openDataDir } from "./data-dir.ts";
import { checkGit, gitEnvironment } from "./git-program.ts";
import { startSystem } from "./system.ts";

export interface Core {
  readonly url: string;
  /** Whoever has it may do what the kubeconfig allows. */
  readonly token: string;
  /** Looks at one application, `NAMESPACE/NAME`, anew; the status it comes to. */
  look(key: string): Promise<ApplicationStatus | undefined>;
  stop(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface CoreOptions {
  /** Any free port of this machine's own address unless told. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** With it, the page is served, too. */
  readonly uiDir?: string;
}

/** Errors: CONFIG_INVALID where there is no installation, those of the cluster, GIT_MISSING. */
export async function startCore(op: Operation, context: Context, options: CoreOptions = {}): Promise<Core> {
  const { listen = { host: "127.0.0.1", port: 0 }, uiDir } = options;
  checkGit();
  const { env } = context;
  const { connection, namespace } = await onKubeconfig(context, async (target) => target);
  const ports = { clock: systemClock, random: systemRandom };
  const control = createClient(
    { ...connection, name: "in-cluster" },
    { ...ports, userAgent: `driftless-cli/${context.version}` },
  );
  await installationIn(op, control, { namespace, cluster: connection.name }).catch(async (thrown: unknown) => {
    await control.close();
    throw thrown;
  });
  const place = workPlace(env, process.platform, `${connection.server} ${namespace}`);
  const token = randomBytes(32).toString("base64url");
  const system = await startSystem(op, {
    control,
    namespace,
    dataDir: place.dir,
    git: { path: "git", env: gitEnvironment() },
    listen,
    ...(uiDir === undefined ? {} : { uiDir }),
    tls: false,
    version: context.version,
    environment: env,
    caller: { token },
  });
  return {
    url: `http://${listen.host.includes(":") ? `[${listen.host}]` : listen.host}:${system.server.port}`,
    token,
    async look(key) {
      await system.controller.look(key);
      return system.controller.statusNow(key);
    },
    async stop() {
      await system.stop();
      place.release();
    },
  };
}

/** Whether there is something to talk to: a watch would wait for it without a word. */
async function installationIn(
  op: Operation,
  control: KubeClient,
  where: { readonly namespace: string; readonly cluster: string },
): Promise<void> {
  const { namespace, cluster } = where;
  const missing = (what: string, cause?: unknown): DriftlessError =>
    new DriftlessError(
      "CONFIG_INVALID",
      `${what}: no installation of Driftless or Argo CD is there. Choose its namespace by --namespace or by kubectl config set-context --current --namespace NAME, the cluster by --kube-context`,
      { cause },
    );
  const { configMap, secret, application, project, applicationSet } = types;
  if (!(await control.get(op, configMap, { namespace, name: "argocd-cm" })))
    throw missing(`namespace ${namespace} of ${cluster} has no ConfigMap argocd-cm`);
  await Promise.all(
    [secret, application, project, applicationSet].map((type) =>
      control.list(op, type, { namespace, limit: 1 }).catch((thrown: unknown) => {
        if (toError(thrown).code !== "NOT_FOUND") throw thrown;
        throw missing(`${cluster} knows no ${type.plural}`, thrown);
      }),
    ),
  );
}

/** Where mirrors and renders are kept for the next command; a folder of one's own where another command has it now. */
function workPlace(env: Environment, platform: string, what: string): { readonly dir: string; release(): void } {
  const dir = join(cacheDir(env, platform), "core", createHash("sha256").update(what).digest("hex").slice(0, 16));
  try {
    return { dir, release: openDataDir(dir) };
  } catch (thrown) {
    if (!["DATA_DIR_LOCKED", "DATA_DIR_UNWRITABLE"].includes(toError(thrown).code)) throw thrown;
    const own = mkdtempSync(join(tmpdir(), "driftless-core-"));
    return { dir: own, release: () => rmSync(own, { recursive: true, force: true }) };
  }
}

/** `XDG_CACHE_HOME/driftless`, or the platform's place for what can be made again. */
function cacheDir(env: Environment, platform: string): string {
  const home = env["HOME"] ?? env["USERPROFILE"] ?? ".";
  if (env["XDG_CACHE_HOME"]) return join(env["XDG_CACHE_HOME"], "driftless");
  if (platform === "darwin") return join(home, "Library", "Caches", "driftless");
  if (platform === "win32") return join(env["LOCALAPPDATA"] ?? home, "driftless", "cache");
  return join(home, ".cache", "driftless");
}
