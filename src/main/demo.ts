// The demo: a Git server on loopback with a GitOps repository in it, and the Application that deploys it. The repository
// is seeded once from examples/demo; from then on it is the person's.
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { baseEnvironment } from "#git/process.ts";
import { branchTip, writeCommit } from "#git/seed.ts";
import { startGitServer } from "#git/server.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import { group, version } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";

export interface DemoOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly git: { readonly path: string; readonly env: Readonly<Record<string, string>> };
  /** Folder with the repository's first content. */
  readonly examples: string;
  readonly client: KubeClient;
  readonly namespace: string;
  pushed(url: string, refs: readonly { readonly ref: string; readonly after?: string }[]): Promise<void>;
}

export interface Demo {
  readonly cloneUrl: string;
  readonly port: number;
  stop(): Promise<void>;
}

const repository = "demo";
const placeholder = "https://git.example.com/demo.git";
const applicationType: ResourcePath = { group, version, plural: "applications", namespaced: true };

/** Starts the Git server, seeds the repository and applies its root Application where they are not there yet. */
export async function startDemo(op: Operation, options: DemoOptions): Promise<Demo> {
  const program = {
    path: options.git.path,
    env: baseEnvironment(options.git.env, join(options.dataDir, "git-server")),
  };
  const server = await startGitServer(op, {
    root: join(options.dataDir, "repositories"),
    program,
    port: options.port,
    onPush: (name, updates) => {
      const refs = updates.map(({ ref, after }) => ({ ref, ...(after === undefined ? {} : { after }) }));
      options
        .pushed(server.repositoryUrl(name), refs)
        .catch((thrown: unknown) => op.log.warn("after a push", { error: toError(thrown).message }));
    },
  });
  const cloneUrl = server.repositoryUrl(repository);
  const directory = server.directory(repository);
  const files = seedFiles(options.examples, cloneUrl);
  if (!existsSync(join(directory, "HEAD"))) await server.create(op, repository);
  if ((await branchTip(op, program, directory)) === undefined) {
    await writeCommit(op, program, directory, {
      message: "The demo: three services and their Applications",
      files,
      time: Date.now(),
    });
  }
  const rootApp = parse(files["bootstrap/root-app.yaml"] ?? "") as KubernetesObject;
  const object = { ...rootApp, metadata: { ...rootApp.metadata, namespace: options.namespace } };
  const ref = { namespace: options.namespace, name: object.metadata.name! };
  const known = await options.client.get(op, applicationType, ref);
  if (!known) await options.client.create(op, applicationType, object, { fieldManager: "driftless" });
  return { cloneUrl, port: server.port, stop: () => server.close() };
}

function seedFiles(folder: string, cloneUrl: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const path of globSync("**/*", { cwd: folder })) {
    if (!statSync(join(folder, path)).isFile()) continue;
    files[path.replaceAll("\\", "/")] = readFileSync(join(folder, path), "utf8").replaceAll(placeholder, cloneUrl);
  }
  return files;
}
