// Runs many cases against one cluster: a namespace for each, all made beforehand, several cases at a time.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContractCase } from "./case.ts";
import { connect } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { runCase } from "./runner.ts";
import type { Outcome } from "./runner.ts";

export interface SuiteRun {
  /** Each case's outcome, as it comes about. */
  outcome(contractCase: ContractCase): Promise<Outcome>;
  close(): Promise<void>;
}

export interface SuiteOptions {
  readonly kubeconfig: string;
  readonly kubectl?: string;
  readonly cases: readonly ContractCase[];
  readonly concurrency?: number;
}

/** Begins to run all cases that can run; returns at once with a handle on each. */
export async function startSuite({ kubeconfig, kubectl, cases, concurrency = 6 }: SuiteOptions): Promise<SuiteRun> {
  const connection = connect(kubeconfig);
  const cacheDir = mkdtempSync(join(tmpdir(), "driftless-contract-"));
  const target = { connection, kubeconfig, cacheDir, ...(kubectl === undefined ? {} : { kubectl }) };
  const names = new Map(cases.map((each) => [each, namespaceOf(each)]));
  const settled = new Map<ContractCase, PromiseWithResolvers<Outcome>>();
  for (const each of cases) {
    const resolvers = Promise.withResolvers<Outcome>();
    resolvers.promise.catch(() => {});
    settled.set(each, resolvers);
  }
  await inParallel([...names.values()], 16, (name) => createNamespace(connection, name));
  await inParallel([...names.values()], 16, (name) => namespaceReady(connection, name));
  const running = inParallel(cases, concurrency, async (each) => {
    const resolvers = settled.get(each);
    try {
      resolvers?.resolve(await runCase(each, names.get(each) ?? "", target));
    } catch (thrown) {
      resolvers?.reject(thrown);
    }
  });
  return {
    outcome: (each) => settled.get(each)?.promise ?? Promise.reject(new Error(`not run: ${each.name}`)),
    close: async () => {
      await running;
      await connection.close();
      rmSync(cacheDir, { recursive: true, force: true });
    },
  };
}

/** The same in every run, whichever cases are run: some answers hold hashes of names. */
function namespaceOf({ area, name }: ContractCase): string {
  return `case-${createHash("sha256").update(`${area}/${name}`).digest("hex").slice(0, 10)}`;
}

async function createNamespace(connection: Connection, name: string): Promise<void> {
  const body = JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  const headers = { "content-type": "application/json" };
  const answer = await connection.send({ method: "POST", path: "/api/v1/namespaces", headers, body });
  if (answer.status !== 201) throw new Error(`cannot make namespace ${name}: ${answer.status} ${answer.text}`);
}

/** Pods are refused until their namespace has its service account; it comes a moment after the namespace. */
async function namespaceReady(connection: Connection, name: string): Promise<void> {
  const wanted = [`serviceaccounts/default`, `configmaps/kube-root-ca.crt`];
  const deadline = performance.now() + 30_000;
  for (const path of wanted) {
    for (;;) {
      const { status } = await connection.send({ method: "GET", path: `/api/v1/namespaces/${name}/${path}` });
      if (status === 200) break;
      if (performance.now() > deadline) throw new Error(`namespace ${name} never got ${path}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function inParallel<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = [...items].reverse();
  const worker = async () => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
