// What a day needs: a cluster on which nothing runs yet, `driftless up` on it, a second cluster, a Git server that asks
// for a password, and the programs that a person has: git, kubectl, driftless.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { program, runToEnd, type Ended } from "../../support/cli.ts";
import { kubectlPath, type ClusterUnderTest, type RunningCluster } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { connectKube, type Kube } from "../../support/kube.ts";
import { startPrivateGit, type PrivateGit } from "../../support/private-git.ts";
import { cloneRepository, createBare, type Repository } from "../../support/repository.ts";
import { repositoryRoot, startUp, type Up } from "../../support/up.ts";

export class Day {
  readonly cluster: RunningCluster;
  readonly second: RunningCluster;
  readonly home: string;
  readonly kube: Kube;
  readonly secondKube: Kube;
  up!: Up;
  git!: PrivateGit;
  readonly #endings: (() => Promise<void> | void)[] = [];

  private constructor(cluster: RunningCluster, second: RunningCluster) {
    this.cluster = cluster;
    this.second = second;
    this.home = mkdtempSync(join(tmpdir(), "driftless-day-"));
    this.kube = connectKube(cluster.kubeconfig);
    this.secondKube = connectKube(second.kubeconfig);
  }

  /** Both clusters, and nothing on them. */
  static async begin(kind: ClusterUnderTest): Promise<Day> {
    const first = await kind.start();
    const second = await kind.start().catch(async (thrown: unknown) => {
      await first.stop();
      throw thrown;
    });
    const day = new Day(first, second);
    day.later(() => rmSync(day.home, { recursive: true, force: true }));
    day.later(() => first.stop());
    day.later(() => second.stop());
    day.later(() => day.kube.close());
    day.later(() => day.secondKube.close());
    return day;
  }

  /** The program starts on the cluster. */
  async start(): Promise<void> {
    this.up = await startUp({ kubeconfig: this.cluster.kubeconfig });
    this.later(() => this.up.stop());
    await this.#withoutDemo();
    this.git = await startPrivateGit(this.up.cloneUrl);
    this.later(() => this.git.close());
  }

  /** The demo's applications have names that articles use as well. */
  async #withoutDemo(): Promise<void> {
    const { api } = this.up;
    const names = async (): Promise<string[]> => {
      const path = "/api/v1/applications?fields=items.metadata.name";
      const { items = [] } = await api.must<{ items?: { metadata: { name: string } }[] }>("GET", path);
      return items.map(({ metadata }) => metadata.name);
    };
    // The root first, which would make the others again.
    await api.must("DELETE", "/api/v1/applications/root?cascade=true");
    await eventually(async () => {
      const left = await names();
      for (const name of left.filter((each) => each !== "root"))
        await api.call("DELETE", `/api/v1/applications/${name}?cascade=true`);
      if (left.length > 0) throw new Error(`${left.join(", ")} are still there`);
    });
  }

  later(ending: () => Promise<void> | void): void {
    this.#endings.push(ending);
  }

  async stop(): Promise<void> {
    for (const ending of this.#endings.splice(0).reverse()) await ending();
  }

  /** A clone of a new repository of the installation's Git server. */
  async repository(name: string): Promise<Repository> {
    await createBare(join(this.up.dataDir, "repositories", `${name}.git`));
    const repository = await cloneRepository(new URL(`/${name}.git`, this.up.cloneUrl).href);
    this.later(() => repository.close());
    return repository;
  }

  file(name: string, content: string): string {
    const path = join(this.home, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** `driftless` as it is typed. */
  driftless(...args: readonly string[]): Promise<Ended> {
    return this.#run(program, args);
  }

  /** A line as it is typed into a shell, where `kubectl` is the real one. */
  shell(line: string, input = ""): Promise<Ended> {
    return this.#run("/bin/sh", ["-c", line], input);
  }

  #run(file: string, args: readonly string[], input = ""): Promise<Ended> {
    const kubectl = kubectlPath();
    const folders = [kubectl === undefined ? "" : dirname(kubectl), join(repositoryRoot, "bin"), process.env["PATH"]];
    const env = { PATH: folders.filter(Boolean).join(delimiter), KUBECONFIG: this.cluster.kubeconfig };
    return runToEnd(file, args, { home: this.home, env, input, timeoutMs: 90_000 });
  }
}
