// Which kubeconfig a command means, and what contexts it has: as kubectl looks for it. Reads files; connects nowhere.
import { join } from "node:path";
import { DriftlessError } from "#base/errors.ts";
import { isObject, listAt, stringAt } from "#base/json.ts";
import { readIfThere } from "../server/config-file.ts";
import type { Context } from "../context.ts";
import { table } from "../view/table.ts";

export interface KubeContext {
  readonly file: string;
  readonly name: string;
  readonly cluster: string;
  readonly server: string;
  readonly namespace?: string;
  readonly current: boolean;
}

/** The contexts of --kubeconfig, else of the files of KUBECONFIG, else of ~/.kube/config; sorted by name. */
export async function kubeContexts(context: Context, explicit: string): Promise<readonly KubeContext[]> {
  const { load } = await import("js-yaml");
  const found = new Map<string, KubeContext>();
  let current = "";
  for (const file of filesOf(context, explicit)) {
    const text = readIfThere(file);
    if (text === undefined) {
      if (explicit !== "") throw new DriftlessError("CONFIG_INVALID", `there is no kubeconfig ${file}`);
      continue;
    }
    const config = parsed(file, text, load);
    current ||= stringAt(config, "current-context") ?? "";
    for (const each of contextsIn(file, config)) if (!found.has(each.name)) found.set(each.name, each);
  }
  return [...found.values()]
    .map((each) => ({ ...each, current: each.name === current }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Prints the contexts to choose from; returns the exit code of a command that was given none. */
export async function listContexts(context: Context, kubeconfig: string): Promise<number> {
  context.err.line("Choose a context name from:");
  const rows = (await kubeContexts(context, kubeconfig)).map(({ name, cluster, server, current }) => [
    current ? "*" : "",
    name,
    cluster,
    server,
  ]);
  context.out.write(table([["CURRENT", "NAME", "CLUSTER", "SERVER"], ...rows]));
  return 1;
}

function filesOf(context: Context, explicit: string): readonly string[] {
  if (explicit !== "") return [explicit];
  const { KUBECONFIG = "", HOME, USERPROFILE } = context.env;
  if (KUBECONFIG !== "")
    return KUBECONFIG.split(process.platform === "win32" ? ";" : ":").filter((file) => file !== "");
  return [join(HOME ?? USERPROFILE ?? ".", ".kube", "config")];
}

function parsed(file: string, text: string, load: (text: string) => unknown): unknown {
  try {
    const config = load(text);
    if (isObject(config)) return config;
  } catch (thrown) {
    const [why = ""] = (thrown as Error).message.split("\n");
    throw new DriftlessError("CONFIG_INVALID", `${file} is not a kubeconfig: ${why}`, { cause: thrown });
  }
  throw new DriftlessError("CONFIG_INVALID", `${file} is not a kubeconfig`);
}

function contextsIn(file: string, config: unknown): KubeContext[] {
  const servers = new Map(
    listAt(config, "clusters").map((item) => [stringAt(item, "name") ?? "", stringAt(item, "cluster", "server")]),
  );
  return listAt(config, "contexts").flatMap((item) => {
    const [name, cluster] = [stringAt(item, "name"), stringAt(item, "context", "cluster")];
    const server = cluster === undefined ? undefined : servers.get(cluster);
    const namespace = stringAt(item, "context", "namespace");
    return name === undefined || cluster === undefined || server === undefined
      ? []
      : [{ file, name, cluster, server, ...(namespace ? { namespace } : {}), current: false }];
  });
}
