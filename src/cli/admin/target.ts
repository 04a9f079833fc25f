// The cluster that `admin` commands work on, straight and without our server: the kubeconfig's, with kubectl's flags laid
// over it, or, inside a pod, its own.
import { readFileSync } from "node:fs";
import { DriftlessError } from "#base/errors.ts";
import type { ClientOptions } from "#kube/client.ts";
import type { Connection, TlsMaterial } from "#kube/connection.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import { group, version } from "#model/names.ts";
import type { TargetValues } from "./flags.ts";
import type { Context } from "../context.ts";
import { kubeContexts, type KubeContext } from "../kube/kubeconfig.ts";

export interface AdminTarget {
  readonly client: KubeClient;
  readonly connection: Connection;
  readonly namespace: string;
}

const coreType = (plural: string): ResourcePath => ({ group: "", version: "v1", plural, namespaced: true });
const customType = (plural: string): ResourcePath => ({ group, version, plural, namespaced: true });

/** What `admin` commands read and write. */
export const types = {
  configMap: coreType("configmaps"),
  secret: coreType("secrets"),
  pod: coreType("pods"),
  application: customType("applications"),
  project: customType("appprojects"),
  applicationSet: customType("applicationsets"),
} as const;

/**
 * Runs `work` on the cluster that the flags mean and closes the connection. Errors: CONFIG_INVALID where there is no such
 * kubeconfig or context; those of `work`.
 */
export async function onCluster<T>(
  context: Context,
  values: TargetValues,
  work: (target: AdminTarget) => Promise<T>,
): Promise<T> {
  const { createClient } = await import("#kube/client.ts");
  const { connection, namespace } = await connectionFor(context, values);
  const client = createClient(connection, clientOptions(context));
  try {
    return await work({ client, connection, namespace: namespace ?? (await defaultNamespace(context, client)) });
  } finally {
    await client.close();
  }
}

/** Where neither a flag nor the kubeconfig says: kubectl's default, unless only `argocd` has our settings. */
async function defaultNamespace({ op }: Context, client: KubeClient): Promise<string> {
  for (const namespace of ["default", "argocd"])
    if (await client.get(op, types.configMap, { namespace, name: "argocd-cm" })) return namespace;
  return "default";
}

/** How clients of this command are made. */
export const clientOptions = (context: Context): ClientOptions => ({
  clock: context.clock,
  // Spreads retries; a command has few, one after another.
  random: { next: () => 0.5 },
  userAgent: `driftless-cli/${context.version}`,
});

async function connectionFor(
  context: Context,
  values: TargetValues,
): Promise<{ readonly connection: Connection; readonly namespace: string | undefined }> {
  const { connectionFromKubeconfig, connectionInCluster, podNamespace } = await import("#kube/credentials.ts");
  const options = { ...clientOptions(context), environment: context.env };
  const chosen = await chosenContext(context, values);
  if (chosen) {
    const { cluster, user } = values;
    const connection = connectionFromKubeconfig(
      { path: chosen.file },
      { ...options, context: chosen.name, ...(cluster ? { cluster } : {}), ...(user ? { user } : {}) },
    );
    return {
      connection: await withFlags(context, values, connection),
      namespace: values.namespace || chosen.namespace,
    };
  }
  const own = connectionInCluster(options);
  if (own) return { connection: await withFlags(context, values, own), namespace: values.namespace || podNamespace() };
  if (context.global.server !== "") {
    const { anonymous } = await import("#kube/connection.ts");
    const bare: Connection = { name: "server", server: context.global.server, tls: {}, auth: anonymous };
    return { connection: await withFlags(context, values, bare), namespace: values.namespace || undefined };
  }
  throw new DriftlessError("CONFIG_INVALID", "there is no kubeconfig with a current context: name one by --kubeconfig");
}

async function chosenContext(context: Context, values: TargetValues): Promise<KubeContext | undefined> {
  const all = await kubeContexts(context, values.kubeconfig);
  const wanted = values.context || context.global["kube-context"];
  if (wanted === "") return all.find(({ current }) => current);
  const found = all.find(({ name }) => name === wanted);
  if (!found) throw new DriftlessError("CONFIG_INVALID", `Context ${wanted} does not exist in kubeconfig`);
  return found;
}

/** The connection with what the flags say laid over it. */
async function withFlags(context: Context, values: TargetValues, connection: Connection): Promise<Connection> {
  const { fixedAuthorization } = await import("#kube/connection.ts");
  const basic = Buffer.from(`${values.username}:${values.password}`).toString("base64");
  const auth = values.token !== "" ? `Bearer ${values.token}` : values.username !== "" ? `Basic ${basic}` : undefined;
  const impersonated = {
    ...(values.as ? { "impersonate-user": values.as } : {}),
    ...(values["as-uid"] ? { "impersonate-uid": values["as-uid"] } : {}),
    ...(values["as-group"].length > 0 ? { "impersonate-group": values["as-group"] } : {}),
  };
  return {
    ...connection,
    ...(context.global.server ? { server: context.global.server.replace(/\/+$/, "") } : {}),
    tls: tlsWithFlags(values, connection.tls),
    ...(auth === undefined ? {} : { auth: fixedAuthorization(auth) }),
    ...(values["proxy-url"] ? { proxyUrl: values["proxy-url"] } : {}),
    ...(values["disable-compression"] ? { disableCompression: true } : {}),
    headers: { ...connection.headers, ...impersonated },
  };
}

function tlsWithFlags(values: TargetValues, tls: TlsMaterial): TlsMaterial {
  const [ca, cert, key] = [
    fileOf("certificate-authority", values),
    fileOf("client-certificate", values),
    fileOf("client-key", values),
  ];
  return {
    ...tls,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(values["tls-server-name"] ? { servername: values["tls-server-name"] } : {}),
    ...(values["insecure-skip-tls-verify"] ? { insecure: true } : {}),
  };
}

function fileOf(
  flag: "certificate-authority" | "client-certificate" | "client-key",
  values: TargetValues,
): string | undefined {
  if (values[flag] === "") return undefined;
  try {
    return readFileSync(values[flag], "utf8");
  } catch (thrown) {
    const why = (thrown as NodeJS.ErrnoException).code ?? "unknown reason";
    throw new DriftlessError("CONFIG_INVALID", `--${flag}: ${values[flag]} cannot be read (${why})`);
  }
}
