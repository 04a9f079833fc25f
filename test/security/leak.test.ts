// No secret leaves the program: one of its own stands in every place that can hold one (leak-world.ts), everything that can be
// asked is asked, and everything that was said, written or logged is searched for them, in every form.
import type { DescMethod } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { bindingsOf } from "#protocol/services.ts";
import { driftless } from "../support/cli.ts";
import { methods } from "../support/rpc.ts";
import { plainRoute, routesOfServer } from "../support/routes.ts";
import { Canaries, formsOf } from "./leak-finder.ts";
import { requestFor, type Values } from "./leak-requests.ts";
import { startLeakWorld, target, type LeakWorld } from "./leak-world.ts";
import { byGrpc, byRest, send, type Answer } from "./world.ts";

/** Where a secret may stand, and why. */
const allowed: readonly { readonly where: RegExp; readonly name: RegExp; readonly why: string }[] = [
  {
    where:
      /^(ApplicationService|GET \/api\/v1\/(applications|stream)|cli app|object Application|ApplicationSetService)/,
    name: /^own-/,
    why: "parameters, values and the plugin's environment of an application's own spec: they are what one edits there",
  },
];

let world: LeakWorld;
let transport: Transport;
let found: string[] = [];
/** Methods that answered at least once. */
const answered = new Set<string>();

beforeAll(async () => {
  world = await startLeakWorld();
  transport = createGrpcTransport({ baseUrl: world.up.url });
}, 120_000);
afterAll(async () => {
  await world?.close();
});

/** Looks for secrets in what was said somewhere; what is found is told at the end of a test, all of it. */
function look(where: string, what: unknown): void {
  const text = typeof what === "string" ? what : (JSON.stringify(what) ?? "");
  const told = new Set<string>();
  for (const { name, form, around } of world.canaries.find(text)) {
    if (allowed.some((rule) => rule.where.test(where) && rule.name.test(name)) || told.has(name + form)) continue;
    told.add(name + form);
    found.push(`${where}: ${name} as ${form}: …${around.replaceAll("\n", "\\n")}…`);
  }
}

/** What was found since the last time, at most so much of it. */
function leaks(): string {
  const [all] = [found];
  found = [];
  return all.slice(0, 60).join("\n");
}

async function each<T>(items: Iterable<T>, work: (item: T) => Promise<void>, atOnce = 6): Promise<void> {
  const rest = [...items].reverse();
  const one = async (): Promise<void> => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

const repository = (kind: string, name: string): string => `https://127.0.0.1:9/${kind}-${name}`;
const secretObject = { group: "", version: "v1", kind: "Secret", namespace: target, resourceName: "leak" };

/** Values for fields by name, of which requests are made; none of them writes anything. */
function readings(ofApplications: boolean): readonly Values[] {
  const { repository: git, applications, canaries } = world;
  const predicted = { apiVersion: "v1", kind: "Secret", metadata: { name: "leak", namespace: target } };
  const shared: Values = {
    ...secretObject,
    project: "",
    revision: "main",
    "ApplicationManifestQuery.revision": "other",
    "ListAppLinksRequest.namespace": world.up.namespace,
    targetManifests: [JSON.stringify({ ...predicted, stringData: { a: canaries.make("asked-target") } })],
    liveResources: [
      {
        ...secretObject,
        name: "leak",
        liveState: JSON.stringify({ ...predicted, data: { a: btoa(canaries.make("asked-live")) } }),
        targetState: JSON.stringify({ ...predicted, data: { a: btoa(canaries.make("asked-state")) } }),
      },
    ],
    repo: git.url,
    url: repository("repo-creds", "everything"),
    appProject: "default",
    server: "https://127.0.0.1:9/token",
    id: { type: "url", value: encodeURIComponent("https://127.0.0.1:9/token") },
    source: { repoURL: git.url, path: "good" },
    podName: "x",
    resource: "applications",
    action: "get",
    subresource: "default/x",
    keyID: "4AEE18F83AFDEB23",
  };
  const names = ofApplications ? applications : applications.slice(0, 1);
  const apps = names.map((name) => ({ ...shared, name, applicationName: name, appName: name }));
  return [
    ...apps,
    { ...apps[0], refresh: "hard", "ApplicationResourceEventsQuery.resourceName": "" },
    { ...apps[0], name: "leak" },
    { ...apps[0], name: "readonly", resourceName: "leak-extra" },
    { ...apps[0], name: "default", repo: repository("repository", "everything"), forceRefresh: true, appProject: "" },
    { ...apps[0], name: "narrow", repo: `${repository("repository", "url")}.git`, appProject: "" },
    {
      ...apps[0],
      repo: repository("repository-write", "everything"),
      appProject: "",
      server: "https://127.0.0.1:9/exec",
    },
    { ...shared, name: "../x\n", repo: "\u0000", server: "%E0%A4%A", id: { type: "url", value: "%" }, kind: "Nothing" },
    {},
  ];
}

const writing = (method: DescMethod): boolean => {
  const bindings = bindingsOf(method);
  return bindings.length > 0 && bindings.every(({ verb }) => verb !== "GET");
};
const asking = (name: string): boolean => /generate|getAppDetails|validate\w*Access|getManifestsWithFiles/.test(name);

/** Whether a binding's body is one word of the request, which is no secret: an action's name. */
const isWord = ({ input }: DescMethod, body: string): boolean =>
  input.fields.some(({ jsonName, fieldKind }) => jsonName === body && fieldKind === "scalar");

interface Asked {
  readonly name: string;
  readonly method: DescMethod;
  readonly request: Record<string, unknown>;
  readonly token: string;
  readonly who: string;
}

async function ask({ name, method, request, token, who }: Asked): Promise<void> {
  const note = (way: string, answer: Answer): void => {
    if (answer.status === "OK") answered.add(name);
    look(`${name} by ${way} as ${who}`, answer);
  };
  let fits = true;
  note(
    "gRPC",
    await byGrpc({ transport }, method, request, token).catch((thrown: unknown) => {
      fits = false;
      return { status: "UNSENT", message: String(thrown) };
    }),
  );
  if (!fits || method.methodKind === "client_streaming") return;
  for (const binding of bindingsOf(method))
    note(`${binding.verb} ${binding.path}`, await byRest(world.up.url, binding, request, token));
}

/** Every different request of a method, for who may do everything and for who may read. */
function questions(name: string, method: DescMethod, values: readonly Values[]): readonly Asked[] {
  const different = new Map(
    values.map((each) => requestFor(method.input, each)).map((one) => [JSON.stringify(one), one]),
  );
  const requests = [...different.values()];
  // A stream is listened to for a moment each.
  const some = method.methodKind === "server_streaming" ? requests.slice(0, 2) : requests;
  return some.flatMap((request) =>
    Object.entries(world.tokens).map(([who, token]) => ({ name, method, request, token, who })),
  );
}

it("finds a secret in every form", () => {
  const canaries = new Canaries();
  const canary = canaries.make("one");
  for (const [form, text] of formsOf(canary))
    expect([form, canaries.find(`{"a": "${text}"}`).length > 0]).toEqual([form, true]);
  for (const before of ["", "a", "ab"])
    expect(canaries.find(Buffer.from(`${before}${canary} and more`).toString("base64"))).not.toEqual([]);
  canaries.also("other", "a secret of the program");
  expect(canaries.find("x a secret of the program x").map(({ name }) => name)).toEqual(["other"]);
  expect(canaries.find("nothing")).toEqual([]);
});

/** Reading methods for which the world has nothing to answer with. */
const unanswered: readonly string[] = [
  // Takes a stream of an archive: the command line sends one.
  "ApplicationService.getManifestsWithFiles",
  // There is no registry, and so no chart and no artifact.
  "ApplicationService.getOCIMetadata",
  "ApplicationService.revisionChartDetails",
  "RepositoryService.getHelmCharts",
  "RepositoryService.listOCITags",
  // Generators are not there yet.
  "ApplicationSetService.generate",
  "GPGKeyService.get",
];

/** What is written, with a secret wherever one belongs. */
function writings(victim: string): Values {
  const { up, canaries, repository: git } = world;
  const make = (name: string): string => canaries.make(`written-${name}`);
  const secrets = {
    password: make("password"),
    bearerToken: make("bearer"),
    sshPrivateKey: make("ssh"),
    tlsClientCertKey: make("tls-key"),
    tlsClientCertData: make("tls-cert"),
    githubAppPrivateKey: make("github-app"),
    gcpServiceAccountKey: make("gcp"),
    proxy: `http://me:${make("proxy")}@127.0.0.1:9`,
  };
  const place = "https://127.0.0.1:9/written";
  const spec = {
    project: "default",
    source: { repoURL: `http://me:${make("source")}@127.0.0.1:9/written.git`, path: "." },
    destination: { server: "https://kubernetes.default.svc", namespace: target },
  };
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "leak", namespace: target },
    stringData: { a: make("manifest") },
  };
  const project = {
    metadata: { name: "written" },
    spec: { sourceRepos: [`https://me:${make("source-repo")}@host/*`] },
  };
  return {
    ...secretObject,
    ...secrets,
    name: victim,
    appNamespace: up.namespace,
    username: "admin",
    currentPassword: make("current-password"),
    newPassword: make("new-password"),
    token: make("token"),
    repo: { repo: place, username: "me", ...secrets },
    "RepoQuery.repo": place,
    "RepoAccessQuery.repo": place,
    creds: { url: place, username: "me", ...secrets },
    url: place,
    credsOnly: true,
    cluster: {
      server: place,
      name: "written",
      config: {
        bearerToken: make("cluster-token"),
        execProviderConfig: { command: "leak-no-such", args: [make("cluster-argument")] },
      },
    },
    server: place,
    id: { type: "url", value: encodeURIComponent(place) },
    "CreateTokenRequest.id": "written",
    "DeleteTokenRequest.id": "written",
    "CreateTokenRequest.name": "readonly",
    application: { metadata: { name: "written" }, spec },
    applicationset: {
      metadata: { name: "written" },
      spec: { generators: [{ git: { repoURL: spec.source.repoURL } }], template: { metadata: { name: "x" }, spec } },
    },
    applicationSet: {
      metadata: { name: "written" },
      spec: { generators: [{ git: { repoURL: spec.source.repoURL } }], template: { metadata: { name: "x" }, spec } },
    },
    spec,
    validate: false,
    patch: JSON.stringify({ stringData: { a: make("patch") } }),
    "ApplicationPatchRequest.patch": JSON.stringify({ spec }),
    "ApplicationPatchRequest.patchType": "merge",
    patchType: "application/merge-patch+json",
    manifests: [JSON.stringify(secret)],
    publickey: { keyData: `-----BEGIN PGP PRIVATE KEY BLOCK-----\n${make("gpg")}\n` },
    certificates: {
      items: [
        {
          serverName: "written.example.com",
          certType: "https",
          certData: Buffer.from(make("certificate")).toString("base64"),
        },
      ],
    },
    project: "default",
    "ProjectCreateRequest.project": project,
    "ProjectUpdateRequest.project": project,
    "ProjectTokenCreateRequest.project": "written",
    role: "none",
    source: { repoURL: git.url, path: "good" },
    hostNamePattern: "written.example.com",
    keyID: "4AEE18F83AFDEB23",
    resource: secretObject,
  };
}

/** Routes that no service defines. */
async function routesBeside(): Promise<readonly string[]> {
  const bindings = [...methods.values()].flatMap((method) => bindingsOf(method));
  const ofServices = new Set(bindings.map(({ verb, path }) => plainRoute(`${verb} ${path}`)));
  return [...(await routesOfServer())].filter((route) => !ofServices.has(route));
}

type Sent = { readonly path: string; readonly body?: string; readonly headers?: Readonly<Record<string, string>> };

/** What is sent to them. */
function routeRequests(): Readonly<Record<string, readonly Sent[]>> {
  const { applications, repository: git, canaries } = world;
  const json = { "content-type": "application/json" };
  const bad = { "content-type": "application/gzip" };
  const lines = `{"name": "leak-good", "manifests": []}\n`;
  const perApp = (rest: string, more: Omit<Sent, "path"> = {}): readonly Sent[] =>
    applications.map((name) => ({ path: `/api/v1/applications/${name}${rest}`, ...more }));
  const preview = { repository: git.url, base: "main", head: "other", project: "default" };
  const broken = `{"password": "${canaries.make("broken-body")}`;
  return {
    "GET /": [{ path: "/" }, { path: "/applications/leak-good" }],
    "GET /healthz": [{ path: "/healthz" }],
    "GET /metrics": [{ path: "/metrics" }],
    "GET /swagger.json": [{ path: "/swagger.json" }],
    "GET /swagger-ui": [{ path: "/swagger-ui" }],
    "GET /api/v1/applications/:name/drift": perApp("/drift"),
    "GET /api/v1/applications/:name/plan": [...perApp("/plan"), ...perApp("/plan?prune=true&revision=other")],
    "GET /api/v1/applications/:name/waiting": perApp("/waiting"),
    "GET /api/v1/applications/:name/diff": [...perApp("/diff"), ...perApp("/diff?revision=other")],
    "POST /api/v1/applications/:name/diff": perApp("/diff", { body: broken, headers: bad }).slice(0, 3),
    "POST /api/v1/applications/:name/sync/files": perApp("/sync/files", { body: lines + broken, headers: bad }).slice(
      0,
      3,
    ),
    "POST /api/v1/applications/manifestsWithFiles": [
      { path: "/api/v1/applications/manifestsWithFiles", body: broken, headers: json },
      { path: "/api/v1/applications/manifestsWithFiles?name=leak-good", body: broken, headers: bad },
    ],
    "POST /api/v1/preview": [
      { path: "/api/v1/preview", body: JSON.stringify(preview), headers: json },
      { path: "/api/v1/preview?stream=true", body: JSON.stringify({ ...preview, against: "live" }), headers: json },
      { path: "/api/v1/preview", body: broken, headers: json },
    ],
    "POST /api/webhook": [
      { path: "/api/webhook", body: "{}", headers: { "x-github-event": "push", "x-hub-signature-256": "sha256=00" } },
      {
        path: "/api/webhook",
        body: "{}",
        headers: { "x-gitlab-event": "Push Hook", "x-gitlab-token": canaries.make("gitlab-token") },
      },
      {
        path: "/api/webhook",
        body: broken,
        headers: { "x-vss-activityid": "x", authorization: `Basic ${btoa(`me:${canaries.make("azure-password")}`)}` },
      },
    ],
  };
}

it("keeps what it hides where that is written back", async () => {
  const { up, kube } = world;
  const written = async (): Promise<readonly unknown[]> => {
    const application = await kube.get("Application", "leak-url-works", up.namespace);
    const secret = await kube.get("Secret", "leak-repository-url", up.namespace);
    return [application?.["spec"], stringAt(secret, "data", "url")];
  };
  const before = await written();
  const path = "/api/v1/applications/leak-url-works";
  const shown = await up.api.must<KubernetesObject>("GET", path);
  await up.api.must("PUT", path, { ...shown, metadata: { ...shown.metadata, labels: { written: "back" } } });
  await up.api.must("PUT", `${path}/spec`, shown["spec"]);
  const { items } = await up.api.must<{ items: { repo: string }[] }>("GET", "/api/v1/repositories");
  const listed = items.find(({ repo }) => repo.includes("/repository-url"))!;
  await up.api.must("PUT", `/api/v1/repositories/${encodeURIComponent(listed.repo)}`, listed);
  expect(await written()).toEqual(before);
  expect((await kube.get("Application", "leak-url-works", up.namespace))?.metadata.labels).toEqual({ written: "back" });
});

describe("no secret is in", () => {
  it("any answer to a question", async () => {
    const reading = [...methods].filter(([name, method]) => !writing(method) || asking(name));
    const all = reading.flatMap(([name, method]) =>
      questions(name, method, readings(name.startsWith("ApplicationService."))),
    );
    await each(all, ask);
    expect(leaks()).toBe("");
    expect(
      reading
        .map(([name]) => name)
        .filter((name) => !answered.has(name))
        .sort(),
    ).toEqual(unanswered.toSorted());
  });

  it("any answer of a route that no service defines", async () => {
    const requests = routeRequests();
    const asked = Object.keys(requests).map(plainRoute);
    expect((await routesBeside()).filter((route) => !asked.includes(route))).toEqual([]);
    const all = Object.entries(requests).flatMap(([route, sent]) =>
      sent.flatMap((one) =>
        Object.entries(world.tokens).map(([who, token]) => ({ verb: route.split(" ")[0]!, who, token, ...one })),
      ),
    );
    await each(all, async ({ verb, path, body, headers, who, token }) => {
      const answer = await send(`${world.up.url}${path}`, {
        method: verb,
        headers: { authorization: `Bearer ${token}`, accept: path === "/" ? "text/html" : "*/*", ...headers },
        ...(body === undefined ? {} : { body }),
      });
      look(`${verb} ${path} as ${who}`, answer);
    });
    look("metrics on their own port", await (await fetch(world.metricsUrl)).text());
    expect(leaks()).toBe("");
  });

  it("any answer at the terminal's door", async () => {
    const query = `pod=x&container=x&namespace=${target}&appName=leak-good&projectName=default`;
    for (const token of [...Object.values(world.tokens), world.canaries.make("terminal-token")]) {
      const socket = new WebSocket(`${world.up.url.replace(/^http/, "ws")}/terminal?${query}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const answer = await new Promise<string>((resolve, reject) => {
        socket.on("unexpected-response", (_request, response) => {
          let text = `${response.statusCode} `;
          response.on("data", (chunk: Buffer) => (text += chunk.toString()));
          response.on("end", () => resolve(text));
        });
        socket.on("error", reject);
        socket.on("open", () => reject(new Error("it was let in")));
      });
      expect(answer).toMatch(/^4\d\d /);
      look("GET /terminal", answer);
    }
    expect(leaks()).toBe("");
  });

  it("any answer to a change, done, failed or refused", async () => {
    // What takes something away comes last; the end of the session not at all.
    const all = [...methods].filter(([name, method]) => writing(method) && name !== "SessionService.delete");
    const removing = (name: string): boolean => /delete|terminate/i.test(name);
    for (const late of [false, true]) {
      const some = all.filter(([name]) => removing(name) === late);
      const values = writings(late ? "leak-twice" : "leak-good");
      for (const who of ["readonly", "admin"] as const)
        await each(some, ([name, method]) =>
          ask({ name, method, who, token: world.tokens[who], request: requestFor(method.input, values) }),
        );
      // What was written is read.
      await each(
        [...methods].filter(([name]) => /list|get$/i.test(name)),
        ([name, method]) =>
          ask({
            name,
            method,
            who: "admin",
            token: world.tokens.admin,
            request: requestFor(method.input, { ...values, name: "written" }),
          }),
      );
    }
    // Nobody's session, so that ours go on.
    await send(`${world.up.url}/api/v1/session`, { method: "DELETE", headers: {} });
    expect(leaks()).toBe("");
  });

  it("any answer to a body that is none", async () => {
    const canary = world.canaries.make("broken");
    const bodies = [`{"password": "${canary}`, `"${canary}"`, `{"${canary}": 1}`, `[${canary}]`, canary];
    const paths = new Set(
      [...methods.values()]
        .flatMap((method) => bindingsOf(method).filter(({ body }) => !isWord(method, body)))
        .filter(({ body }) => body !== "")
        .map(({ verb, path }) => `${verb} ${path.replace(/\{[^}]*\}/g, "leak-good")}`),
    );
    await each(paths, async (route) => {
      const [method, path] = route.split(" ") as [string, string];
      for (const body of bodies)
        look(
          route,
          await send(`${world.up.url}${path}`, {
            method,
            headers: { authorization: `Bearer ${world.tokens.admin}` },
            body,
          }),
        );
    });
    expect(leaks()).toBe("");
  });

  it("the cluster's Events, nor in what is written to applications", async () => {
    const messages: unknown[] = [];
    for (const namespace of [world.up.namespace, target])
      for (const event of await world.kube.list("Event", namespace)) {
        look(`Event ${event["reason"] as string}`, event);
        messages.push(event["message"]);
      }
    // They are there: somebody else than the tests wrote them.
    expect(messages).toEqual(expect.arrayContaining(["admin created project", "admin initiated sync to HEAD"]));
    for (const { metadata, ...rest } of await world.kube.list("Application", world.up.namespace)) {
      // A URL with a password is the author's own, in the spec and where the status repeats it.
      const status = JSON.stringify(rest["status"] ?? {}, (key, value: unknown) =>
        /^(repoURL|sources?|helm|plugin|manifests)$/.test(key) ? undefined : value,
      );
      look(`status of ${metadata.name}`, status);
    }
    expect(leaks()).toBe("");
  });

  it("what the command line says", async () => {
    const outputs = ["", "-o json", "-o yaml", "-o wide", "-o name", "-o tree=detailed"];
    const of = (command: string, ...some: readonly string[]): readonly string[] =>
      (some.length > 0 ? some : outputs).map((output) => `${command} ${output}`);
    const lines = [
      ...["good", "url-works", "url-gone", "quote", "chart"].flatMap((name) =>
        of(`app get leak-${name}`, "", "-o json", "-o yaml"),
      ),
      ...of("app get leak-good", "--show-params", "--show-operation", "--hard-refresh"),
      ...of("app list", "", "-o json", "-o wide"),
      ...of(
        "app manifests leak-good",
        "",
        "--source live",
        "--revision other",
        `--local ${world.repository.directory}/good`,
      ),
      `app diff leak-good --local ${world.repository.directory}/quote`,
      `app sync leak-good --local ${world.repository.directory}/good --dry-run --timeout 10`,
      ...of("app diff leak-good", "", "--revision other"),
      ...of("app drift leak-good", ""),
      ...of("app resources leak-good", "", "-o tree=detailed"),
      ...of("app history leak-good", ""),
      ...of("app get-resource leak-good --kind Secret", "", "-o json"),
      ...of("app plan leak-good", ""),
      ...of("repo list", "", "-o json"),
      ...of(`repo get ${repository("repository", "everything")}`, "-o yaml"),
      ...of("repocreds list", "", "-o json"),
      ...of("cluster list", "", "-o json"),
      ...of("cluster get https://127.0.0.1:9/token", "-o yaml"),
      ...of("cluster get https://127.0.0.1:9/exec", "-o wide"),
      ...of("account list", "-o json"),
      ...of("account get --account readonly", "-o yaml"),
      ...of("proj get default", "-o yaml"),
      ...of("appset get leak", "-o yaml"),
      "app sync leak-url-gone --timeout 5",
      "app sync leak-encoded --timeout 5",
    ];
    await each(
      lines,
      async (line) => {
        const { out, err } = await driftless(world.up, line.trim().split(/ +/));
        look(`cli ${line}`, out + err);
      },
      3,
    );
    expect(leaks()).toBe("");
  });

  it("the log, at its most talkative", async () => {
    for (const line of world.up.log().split("\n")) look("log", line);
    expect(leaks()).toBe("");
    const recorded = new Set([...world.up.log().matchAll(/ audit .*?method=(\S+)/g)].map(([, method]) => method));
    const changes = [...methods].filter(([name, method]) => writing(method) && !asking(name));
    const missing = changes.filter(([, { parent, name }]) => !recorded.has(`${parent.typeName}/${name}`));
    expect(missing.map(([name]) => name)).toEqual([]);
  });
});
