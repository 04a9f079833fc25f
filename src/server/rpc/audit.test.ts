// The record of changes: generated from the service definitions, so that no method that writes can be without it.
import { beforeEach, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import type { LogFields, Logger } from "#base/operation.ts";
import type { KubernetesObject } from "#model/object.ts";
import { bindingsOf, services } from "#protocol/services.ts";
import type { EventText } from "#runtime/events.ts";
import { fakeClock } from "#base/testing/fake-clock.ts";
import { audited, isWrite, recordedAs, type AuditDeps } from "./audit.ts";
import { asks, writes } from "./audited-methods.ts";
import { open, type BoundService, type Call, type Unary } from "./service.ts";

const all = services.flatMap((service) => service.methods.map((method) => ({ service, method })));
const keyOf = ({ service, method }: (typeof all)[number]): string => `${service.name}.${method.localName}`;
const writing = all.filter(({ method }) => isWrite(method));

let lines: { level: string; message: string; fields: LogFields | undefined }[];
let events: { about: KubernetesObject; event: EventText }[];
let log: Logger;
beforeEach(() => {
  lines = [];
  events = [];
  const at = (level: string) => (message: string, fields?: LogFields) => void lines.push({ level, message, fields });
  log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), with: () => log };
});

const deps = (): AuditDeps => ({
  log,
  clock: fakeClock(),
  namespace: "argocd",
  events: { record: (about, event) => void events.push({ about, event }) },
  find: (kind, namespace, name) =>
    ["gone", "new"].includes(name)
      ? undefined
      : { apiVersion: "argoproj.io/v1alpha1", kind, metadata: { namespace, name, uid: "u", resourceVersion: "6" } },
  isAccount: (name) => name === "alice",
});

const call = {
  op: { signal: new AbortController().signal },
  account: { username: "alice", kind: "local", issuer: "argocd", groups: [], tokenId: "t1" },
  transport: "grpc",
  address: "192.0.2.7",
} as unknown as Call;

/** One method that answers, or throws, what it is told. */
function method(key: string, does: Partial<Unary<unknown>>): Unary<unknown> {
  const [service, name] = key.split(".") as [string, string];
  const desc = services.find((each) => each.name === service)!;
  const implementation = { access: () => {}, handle: () => ({}), ...does };
  const bound = { desc, methods: { [name]: implementation } } as unknown as BoundService;
  return audited(deps(), [bound])[0]!.methods[name] as Unary<unknown>;
}

it("knows every method that can be reached by another verb than GET, as a write or as a question", () => {
  const others = all.filter(({ method: { ...each } }) => bindingsOf(each as never).some(({ verb }) => verb !== "GET"));
  expect(others.map(keyOf).sort()).toEqual([...Object.keys(writes), ...asks].sort());
});

describe.for(writing.map((each) => [keyOf(each), each] as const))(
  "%s",
  ([
    key,
    {
      service,
      method: { name },
    },
  ]) => {
    const secret = "the-body-of-the-request";
    const request = { name: "web", password: secret, repo: { password: secret }, patch: secret, publickey: secret };

    it("leaves its line when it was done, without the body", async () => {
      await method(key, {}).handle(call, request);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({
        level: "info",
        message: "audit",
        fields: {
          user: "alice",
          session: "t1",
          address: "192.0.2.7",
          method: `${service.typeName}/${name}`,
          transport: "grpc",
          code: "OK",
          durationMs: 0,
        },
      });
      expect(JSON.stringify(lines)).not.toContain(secret);
    });

    it("leaves its line when it failed", async () => {
      const refusing = method(key, {
        handle: () => {
          throw new DriftlessError("CONFLICT", "no");
        },
      });
      await expect(refusing.handle(call, request)).rejects.toThrow("no");
      expect(lines.map(({ level, fields }) => [level, fields?.["code"]])).toEqual([["info", "ABORTED"]]);
      expect(events).toEqual([]);
    });

    it("leaves a warning when it was refused", async () => {
      const { access } = method(key, {
        access: () => {
          throw new DriftlessError("PERMISSION_DENIED", "no");
        },
      });
      await expect(Promise.resolve(access(call, request))).rejects.toThrow("no");
      expect(lines.map(({ level, fields }) => [level, fields?.["code"]])).toEqual([["warn", "PERMISSION_DENIED"]]);
    });
  },
);

it("leaves what anybody may call open", () => {
  expect(method("SessionService.create", { access: open }).access).toBe(open);
});

it("leaves methods that ask alone", () => {
  const bound: BoundService = { desc: services[1], methods: { get: { access: open, handle: () => ({}) } } };
  expect(audited(deps(), [bound])[0]!.methods["get"]).toBe(bound.methods["get"]);
});

it.for([
  ["ApplicationService.sync", { name: "web", appNamespace: "team" }, "Application team/web"],
  ["ApplicationService.create", { application: { metadata: { name: "web" } } }, "Application argocd/web"],
  [
    "ApplicationService.deleteResource",
    { name: "web", group: "apps", kind: "Deployment", resourceName: "x" },
    "Application argocd/web apps/Deployment/x",
  ],
  [
    "ApplicationService.runResourceAction",
    { name: "web", group: "apps", kind: "Deployment", resourceName: "x", action: "restart" },
    "Application argocd/web restart of apps/Deployment/x",
  ],
  ["ApplicationSetService.delete", { name: "all" }, "ApplicationSet argocd/all"],
  ["ProjectService.createToken", { project: "web", role: "ci" }, "AppProject argocd/web role ci"],
  ["ProjectService.update", { project: { metadata: { name: "web" } } }, "AppProject argocd/web"],
  ["RepositoryService.create", { repo: { repo: "https://git.example.com/a" } }, "Repository https://git.example.com/a"],
  [
    "RepoCredsService.deleteRepositoryCredentials",
    { url: "https://git.example.com" },
    "Credentials https://git.example.com",
  ],
  ["ClusterService.update", { id: { value: "https://a" } }, "Cluster https://a"],
  [
    "CertificateService.createCertificate",
    { certificates: { items: [{ serverName: "a" }, { serverName: "b" }] } },
    "Certificate a, b",
  ],
  ["GPGKeyService.delete", { keyID: "4AEE18F83AFDEB23" }, "GnuPGKey 4AEE18F83AFDEB23"],
  ["SessionService.create", { username: "alice" }, "Account alice"],
  ["SessionService.create", { username: "my-password" }, "Account (unknown)"],
  ["AccountService.deleteToken", { name: "alice", id: "t2" }, "Account alice token t2"],
] as const)("says what %s %j is about", async ([key, request, object]) => {
  await method(key, {}).handle(call, request);
  expect(lines[0]?.fields?.["object"]).toBe(object);
});

const app = {
  metadata: { name: "web", namespace: "argocd", uid: "new", resourceVersion: "7" },
  spec: {
    source: { repoURL: "https://a", targetRevision: "main" },
    destination: { server: "https://k", namespace: "n" },
  },
  operation: { sync: { revision: "abc" } },
};

it.for([
  [
    "ApplicationService.create",
    { application: { metadata: { name: "new" } } },
    "ResourceCreated",
    "alice created application",
  ],
  [
    "ApplicationService.create",
    { application: { metadata: { name: "web" } }, upsert: true },
    "ResourceUpdated",
    "alice updated application spec",
  ],
  ["ApplicationService.patch", { name: "web" }, "ResourceUpdated", "alice updated application spec"],
  ["ApplicationService.delete", { name: "web" }, "ResourceDeleted", "alice deleted application"],
  ["ApplicationService.sync", { name: "web" }, "OperationStarted", "alice initiated sync to main (abc)"],
  [
    "ApplicationService.sync",
    { name: "web", resources: [{}] },
    "OperationStarted",
    "alice initiated partial sync to main (abc)",
  ],
  ["ApplicationService.sync", { name: "web", manifests: ["{}"] }, "OperationStarted", "alice initiated sync locally"],
  ["ApplicationService.rollback", { name: "web", id: 3 }, "OperationStarted", "alice initiated rollback to 3"],
  ["ApplicationService.terminateOperation", { name: "web" }, "ResourceUpdated", "alice terminated running operation"],
  [
    "ApplicationSetService.create",
    { applicationset: { metadata: { name: "new" } } },
    "ResourceCreated",
    "alice created ApplicationSet",
  ],
  [
    "ApplicationSetService.create",
    { applicationset: { metadata: { name: "web" } } },
    "ResourceUpdated",
    "alice updated ApplicationSets spec",
  ],
  ["ProjectService.create", { project: { metadata: { name: "new" } } }, "ResourceCreated", "alice created project"],
  ["ProjectService.create", { project: { metadata: { name: "web" } } }, "ResourceUpdated", "alice updated project"],
  ["ProjectService.createToken", { project: "web", role: "ci" }, "ResourceCreated", "alice created token"],
] as const)("leaves an Event for %s %j: %s", async ([key, request, reason, message]) => {
  const name = JSON.stringify(request).includes('"new"') ? "new" : "web";
  await method(key, { handle: () => ({ ...app, metadata: { ...app.metadata, name } }) }).handle(call, request);
  expect(events.map(({ event }) => event)).toEqual([
    expect.objectContaining({
      type: "Normal",
      reason,
      message,
      annotations: expect.objectContaining({ user: "alice" }),
    }),
  ]);
  expect(events[0]?.about).toMatchObject({ apiVersion: "argoproj.io/v1alpha1", metadata: { name, uid: "new" } });
});

it("notes where an application goes, and who is not known", async () => {
  const anonymous = { ...call, account: undefined };
  await method("ApplicationService.sync", { handle: () => app }).handle(anonymous, { name: "web" });
  expect(events[0]?.event).toMatchObject({
    message: "Unknown user initiated sync to main (abc)",
    annotations: { "dest-server": "https://k", "dest-namespace": "n" },
  });
});

it("writes no Event about what is not there, nor for a try that changes nothing", async () => {
  await method("ApplicationService.delete", {}).handle(call, { name: "gone" });
  await method("ApplicationSetService.create", {}).handle(call, {
    dryRun: true,
    applicationset: { metadata: { name: "a" } },
  });
  const unchanged = { ...app, metadata: { ...app.metadata, resourceVersion: "6" } };
  const request = { application: { metadata: { name: "web" } }, upsert: true };
  await method("ApplicationService.create", { handle: () => unchanged }).handle(call, request);
  expect(events).toEqual([]);
  expect(lines).toHaveLength(3);
});

it("records a route beside the services as the method that it stands for", async () => {
  const route = recordedAs(deps(), "ApplicationService.sync", { access: () => {}, handle: () => app });
  await route.handle(call, { name: "web", manifests: [""] });
  expect(lines[0]?.fields).toMatchObject({ method: "application.ApplicationService/Sync", code: "OK" });
  expect(events[0]?.event.message).toBe("alice initiated sync locally");
});
