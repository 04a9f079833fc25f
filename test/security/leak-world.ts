// A running program with a secret of its own in every place that can hold one: Secrets of repositories, clusters and accounts,
// Secrets in Git and on the cluster, URLs, settings; and applications that fail in every way that tells of them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubernetesObject } from "#model/object.ts";
import { eventually } from "../support/eventually.ts";
import { connectKube, type Kube } from "../support/kube.ts";
import { cloneRepository, createBare, type Repository } from "../support/repository.ts";
import { startUp, type Up } from "../support/up.ts";
import { Canaries } from "./leak-finder.ts";

export interface LeakWorld {
  readonly up: Up;
  readonly kube: Kube;
  readonly canaries: Canaries;
  /** A token that may do everything, and one that may read everything. */
  readonly tokens: Readonly<Record<"admin" | "readonly", string>>;
  readonly repository: Repository;
  readonly applications: readonly string[];
  readonly metricsUrl: string;
  close(): Promise<void>;
}

/** Where objects are deployed to. */
export const target = "leak-target";
const maskedAnnotation = "leak.example.com/note";
/** Nobody answers there. */
const nowhere = "127.0.0.1:9";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** A plugin that fails, and tells all that it was given. */
const tellingPlugin = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "ConfigManagementPlugin",
  metadata: { name: "teller" },
  spec: { generate: { command: ["sh", "-c", "env >&2; echo $ARGOCD_ENV_REMOTE >&2; exit 3"] } },
};

export async function startLeakWorld(): Promise<LeakWorld> {
  const plugins = mkdtempSync(join(tmpdir(), "driftless-leak-plugins-"));
  const up = await startUp({ logLevel: "debug", flags: ["--metrics-port", "0", "--plugin-commands", plugins] });
  writeFileSync(join(plugins, "teller.yaml"), JSON.stringify(tellingPlugin));
  const kube = connectKube(up.kubeconfig);
  const canaries = new Canaries();
  try {
    await settings(up, kube, canaries);
    await infrastructure(kube, up.namespace, canaries);
    const repository = await repositoryOf(up, canaries);
    // Reached with a password that nobody asks for.
    const reached = { url: repository.url, username: "me", password: canaries.make("repository-works") };
    await kube.create(secretOf("leak-repository-works", up.namespace, reached, typed("repository")));
    const applications = await applicationsOf(up, kube, { canaries, repository });
    await lookedAt(up, applications);
    await syncedAndChanged(up, kube, canaries);
    const tokenOf = async (path: string): Promise<string> =>
      (await up.api.must<{ token: string }>("POST", path, {})).token;
    const tokens = { admin: await up.api.token(), readonly: await tokenOf("/api/v1/account/readonly/token") };
    for (const [name, token] of Object.entries(tokens)) canaries.also(`token of ${name}`, token.split(".")[2]!);
    return {
      up,
      kube,
      canaries,
      tokens,
      repository,
      applications,
      metricsUrl: `http://127.0.0.1:${up.metricsPort}/metrics`,
      async close() {
        repository.close();
        kube.close().catch(() => {});
        await up.stop();
        rmSync(plugins, { recursive: true, force: true });
      },
    };
  } catch (thrown) {
    kube.close().catch(() => {});
    await up.stop();
    throw thrown;
  }
}

/** Settings, and the Secrets that they are completed by. */
async function settings(up: Up, kube: Kube, canaries: Canaries): Promise<void> {
  const { namespace } = up;
  const secret = await eventually(async () => (await kube.get("Secret", "argocd-secret", namespace))!);
  const own = secret["data"] as Readonly<Record<string, string>>;
  canaries.also("server's key", Buffer.from(own["server.secretkey"]!, "base64").toString());
  canaries.also("hash of admin's password", Buffer.from(own["admin.password"]!, "base64").toString());
  canaries.also("admin's first password", up.password);
  const more = [
    "accounts.readonly.password",
    "webhook.github.secret",
    "webhook.gitlab.secret",
    "webhook.azuredevops.password",
    "oidc.leak.clientSecret",
    "dex.github.clientSecret",
  ];
  await kube.edit(
    "Secret",
    { name: "argocd-secret", namespace },
    { stringData: Object.fromEntries(more.map((key) => [key, canaries.make(key.replaceAll(".", "-").toLowerCase())])) },
  );
  const oidc = `name: Leak\nissuer: https://oidc.example.com\nclientID: driftless\nclientSecret: $oidc.leak.clientSecret\n`;
  const dex = `connectors:\n- type: github\n  id: g\n  name: G\n  config: {clientID: x, clientSecret: ${canaries.make("dex-inline")}}\n`;
  await kube.edit(
    "ConfigMap",
    { name: "argocd-cm", namespace },
    {
      data: {
        "accounts.readonly": "apiKey, login",
        "resource.sensitive.mask.annotations": maskedAnnotation,
        "oidc.config": oidc,
        "dex.config": dex,
        "exec.enabled": "true",
      },
    },
  );
  await kube.edit(
    "ConfigMap",
    { name: "argocd-rbac-cm", namespace },
    { data: { "policy.csv": "g, readonly, role:readonly" } },
  );
  await kube.create(
    secretOf("argocd-notifications-secret", namespace, { "slack-token": canaries.make("notification") }),
  );
  await eventually(() => up.api.must("GET", "/api/v1/account/readonly"));
}

function secretOf(
  name: string,
  namespace: string,
  stringData: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = {},
): KubernetesObject {
  const applied = { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData };
  return {
    ...applied,
    metadata: {
      ...applied.metadata,
      labels: { "app.kubernetes.io/part-of": "argocd", ...labels },
      // As kubectl apply leaves it.
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(applied) },
    },
  };
}

const typed = (type: string): Readonly<Record<string, string>> => ({ "argocd.argoproj.io/secret-type": type });

/** Repositories, templates and clusters, with everything that lets one in. */
async function infrastructure(kube: Kube, namespace: string, canaries: Canaries): Promise<void> {
  const hidden = [
    "password",
    "bearerToken",
    "sshPrivateKey",
    "tlsClientCertData",
    "tlsClientCertKey",
    "githubAppPrivateKey",
    "gcpServiceAccountKey",
    "azureServicePrincipalClientSecret",
  ];
  for (const kind of ["repository", "repo-creds", "repository-write", "repo-write-creds"] as const) {
    const named = (field: string): string => canaries.make(`${kind}-${field.toLowerCase()}`);
    const all = Object.fromEntries(hidden.map((field) => [field, named(field)]));
    const proxy = `http://me:${named("proxy")}@${nowhere}`;
    const common = { username: "me", type: "git", githubAppID: "1", githubAppInstallationID: "2" };
    const ofKind: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      ["everything", { url: `https://${nowhere}/${kind}-everything`, ...common, ...all, proxy }],
      ["url", { url: `https://me:${named("url")}@${nowhere}/${kind}-url.git`, type: "git" }],
      [
        "helm",
        {
          url: `https://me:${named("helm-url")}@${nowhere}/${kind}-helm`,
          type: "helm",
          name: "h",
          password: named("helm-password"),
        },
      ],
      ["oci", { url: `oci://me:${named("oci-url")}@${nowhere}/${kind}`, type: "oci", password: named("oci-password") }],
      ["ssh", { url: `ssh://me:${named("ssh-url")}@${nowhere}/${kind}`, sshPrivateKey: named("ssh-key") }],
    ];
    for (const [name, data] of ofKind)
      await kube.create(secretOf(`leak-${kind}-${name}`, namespace, data, typed(kind)));
  }
  const cluster = (name: string, config: object): Promise<unknown> =>
    kube.create(
      secretOf(
        `leak-cluster-${name}`,
        namespace,
        { name: `leak-${name}`, server: `https://${nowhere}/${name}`, config: JSON.stringify(config) },
        typed("cluster"),
      ),
    );
  const keyData = base64(canaries.make("cluster-key"));
  await cluster("token", { bearerToken: canaries.make("cluster-token"), tlsClientConfig: { insecure: true } });
  await cluster("basic", {
    username: "me",
    password: canaries.make("cluster-password"),
    proxyUrl: `http://me:${canaries.make("cluster-proxy")}@${nowhere}`,
  });
  await cluster("tls", { tlsClientConfig: { certData: keyData, keyData, caData: base64("no certificate") } });
  await cluster("exec", {
    execProviderConfig: {
      command: "leak-no-such-program",
      args: ["--token", canaries.make("cluster-argument")],
      env: { TOKEN: canaries.make("cluster-environment") },
      apiVersion: "client.authentication.k8s.io/v1beta1",
    },
  });
  await kube.create(
    secretOf(
      "leak-cluster-broken",
      namespace,
      { name: "broken", server: "https://broken", config: `{"bearerToken": "${canaries.make("cluster-broken")}"` },
      typed("cluster"),
    ),
  );
}

const yamlSecret = (name: string, body: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${name}\n  annotations:\n    ${maskedAnnotation}: ANNOTATION\n${body}\n`;

/** Manifests with Secrets: good ones, and those that fail where the secret stands. */
async function repositoryOf(up: Up, canaries: Canaries): Promise<Repository> {
  await createBare(join(up.dataDir, "repositories", "leak.git"));
  const repository = await cloneRepository(new URL("/leak.git", up.cloneUrl).href);
  const make = (name: string): string => canaries.make(name);
  const good = (version: string): string =>
    yamlSecret(
      "leak",
      `data:\n  a: ${base64(make(`git-data-${version}`))}\nstringData:\n  b: ${make(`git-string-${version}`)}`,
    ).replace("ANNOTATION", make(`git-annotation-${version}`));
  const noted = (text: string): string => text.replace("ANNOTATION", "none");
  await repository.push({
    "good/secret.yaml": good("one"),
    "good/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: leak-config}\ndata: {a: b}\n",
    "list/list.yaml": `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: in-list}, stringData: {a: ${make("git-list")}}}\n`,
    "quote/secret.yaml": noted(yamlSecret("quote", `stringData:\n  a: "${make("bad-quote")}\n  b: c`)),
    "twice/secret.yaml": noted(
      yamlSecret("twice", `stringData:\n  a: ${make("bad-twice")}\n  a: ${make("bad-twice-again")}`),
    ),
    "indent/secret.yaml": noted(yamlSecret("indent", `stringData:\n  a: b\n c: ${make("bad-indent")}`)),
    "json/secret.json": `{"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "${make("bad-json")}", }`,
    "type/secret.yaml": noted(yamlSecret("type", `stringData:\n  a: [${make("bad-type")}]`)),
    "encoded/secret.yaml": noted(yamlSecret("encoded", `data:\n  a: "%%${make("bad-encoded")}"`)),
    "shape/secret.yaml": noted(yamlSecret("shape", `data: ${make("bad-shape")}`)),
    "docker/secret.yaml": noted(
      yamlSecret(
        "docker",
        `type: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: '{"auths": ${make("bad-docker")}'`,
      ),
    ),
    "basic/secret.yaml": noted(
      yamlSecret("basic", `type: kubernetes.io/tls\nstringData:\n  tls.crt: ${make("bad-tls")}`),
    ),
    "name/secret.yaml": noted(yamlSecret("not_a_name", `stringData:\n  a: ${make("bad-name")}`)),
    "kustomize/kustomization.yaml": `resources: ["https://me:${make("kustomize-url")}@${nowhere}/base.git?ref=main"]\nsecretGenerator: [{name: generated, literals: [a=${make("kustomize-literal")}]}]\n`,
    "chart/Chart.yaml": "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
    "chart/values.yaml": "password: none\n",
    "chart/templates/secret.yaml":
      "apiVersion: v1\nkind: Secret\nmetadata: {name: leak-chart}\nstringData: {a: {{ .Values.password | quote }}}\n",
    "chart-bad/Chart.yaml": "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
    "chart-bad/templates/secret.yaml":
      'apiVersion: v1\nkind: Secret\nmetadata: {name: leak-bad}\nstringData: {a: "{{ .Values.password }}\n',
  });
  await repository.push({ "good/secret.yaml": good("two") }, { branch: "other" });
  await repository.git("checkout", "--quiet", "main");
  return repository;
}

interface Given {
  readonly canaries: Canaries;
  readonly repository: Repository;
}

/** Applications of every folder, and of URLs that hold passwords. */
async function applicationsOf(up: Up, kube: Kube, { canaries, repository }: Given): Promise<readonly string[]> {
  await kube.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: target } });
  await kube.create({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AppProject",
    metadata: { name: "narrow", namespace: up.namespace },
    spec: { sourceRepos: ["https://permitted.example.com/*"], destinations: [{ server: "*", namespace: "*" }] },
  });
  const withPassword = (name: string): string => {
    const url = new URL(repository.url);
    return `${url.protocol}//me:${canaries.make(name)}@${url.host}${url.pathname}`;
  };
  const folders = [
    "good",
    "list",
    "quote",
    "twice",
    "indent",
    "json",
    "type",
    "encoded",
    "shape",
    "docker",
    "basic",
    "name",
    "kustomize",
  ];
  const gone = `http://me:${canaries.make("url-gone")}@${nowhere}/gone.git`;
  const values = `http://me:${canaries.make("url-values")}@${nowhere}/values.yaml`;
  const own = (name: string): string => canaries.make(`own-${name}`);
  const wanted: Readonly<Record<string, object>> = {
    ...Object.fromEntries(folders.map((path) => [path, { source: { repoURL: repository.url, path } }])),
    "url-works": { source: { repoURL: withPassword("url-works"), path: "good", targetRevision: "main" } },
    "url-gone": { source: { repoURL: gone, path: "good" } },
    "url-project": { project: "narrow", source: { repoURL: withPassword("url-project"), path: "good" } },
    "url-sources": {
      sources: [
        { repoURL: repository.url, path: "good" },
        { repoURL: gone, path: "x" },
      ],
    },
    "url-chart": {
      source: {
        repoURL: `https://me:${canaries.make("url-chart")}@${nowhere}/charts`,
        chart: "c",
        targetRevision: "1",
      },
    },
    "url-oci": {
      source: { repoURL: `oci://me:${canaries.make("url-oci")}@${nowhere}/charts`, path: ".", targetRevision: "1" },
    },
    "url-values": { source: { repoURL: repository.url, path: "chart", helm: { valueFiles: [values] } } },
    chart: {
      source: {
        repoURL: repository.url,
        path: "chart",
        helm: {
          parameters: [{ name: "password", value: own("parameter") }],
          values: `other: ${own("values")}`,
          valuesObject: { third: own("object") },
        },
      },
    },
    "chart-bad": {
      source: {
        repoURL: repository.url,
        path: "chart-bad",
        helm: { parameters: [{ name: "password", value: own("bad-parameter") }] },
      },
    },
    plugin: {
      source: {
        repoURL: repository.url,
        path: "good",
        plugin: {
          name: "teller",
          env: [
            { name: "TOKEN", value: own("environment") },
            { name: "REMOTE", value: `https://me:${own("plugin-url")}@${nowhere}/x` },
          ],
        },
      },
    },
    unreachable: {
      source: { repoURL: repository.url, path: "good" },
      destination: { name: "leak-token", namespace: target },
    },
    program: {
      source: { repoURL: repository.url, path: "good" },
      destination: { name: "leak-exec", namespace: target },
    },
  };
  for (const [name, spec] of Object.entries(wanted))
    await kube.create({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Application",
      metadata: { name: `leak-${name}`, namespace: up.namespace },
      spec: {
        project: "default",
        destination: { server: "https://kubernetes.default.svc", namespace: target },
        ...spec,
      },
    });
  await kube.create({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "ApplicationSet",
    metadata: { name: "leak", namespace: up.namespace },
    spec: {
      generators: [{ git: { repoURL: withPassword("set-generator"), revision: "main", directories: [{ path: "*" }] } }],
      template: {
        metadata: { name: "x" },
        spec: { project: "default", source: { repoURL: withPassword("set-template"), path: "good" }, destination: {} },
      },
    },
  });
  return Object.keys(wanted).map((name) => `leak-${name}`);
}

async function lookedAt(up: Up, applications: readonly string[]): Promise<void> {
  for (const name of applications)
    await eventually(async () => {
      const { status } = await up.api.application(name);
      if (!status?.sync?.status || status.reconciledAt === undefined) throw new Error(`${name} was not looked at`);
    });
}

/** What a sync applied, changed by hand; what was never in Git; and a commit that is not applied yet. */
async function syncedAndChanged(up: Up, kube: Kube, canaries: Canaries): Promise<void> {
  const failing = [
    "type",
    "encoded",
    "shape",
    "docker",
    "basic",
    "name",
    "list",
    "url-works",
    "chart",
    "unreachable",
    "program",
  ];
  const done = async (name: string): Promise<void> => {
    await up.api.call("POST", `/api/v1/applications/leak-${name}/sync`, {
      prune: true,
      syncOptions: { items: ["Validate=false"] },
    });
    await eventually(async () => {
      const { status } = await up.api.application(`leak-${name}`);
      const phase = status?.operationState?.phase;
      if (phase === undefined || phase === "Running") throw new Error(`${name}: ${phase}`);
    });
  };
  await done("good");
  for (const name of failing) await up.api.call("POST", `/api/v1/applications/leak-${name}/sync`, {});
  await kube.edit(
    "Secret",
    { name: "leak", namespace: target },
    {
      metadata: { annotations: { [maskedAnnotation]: canaries.make("live-annotation") } },
      data: { a: base64(canaries.make("live-data")), c: base64(canaries.make("live-more")) },
    },
  );
  const live = await kube.get("Secret", "leak", target);
  const annotations = { ...live?.metadata.annotations };
  await kube.create({
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: "leak-extra",
      namespace: target,
      annotations: { ...annotations, "argocd.argoproj.io/tracking-id": `leak-good:/Secret:${target}/leak-extra` },
    },
    data: { a: base64(canaries.make("live-extra")) },
  });
  await eventually(async () => {
    const { status } = await up.api.application("leak-good");
    if (status?.sync?.status !== "OutOfSync") throw new Error("not noticed");
  });
}
