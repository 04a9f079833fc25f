// An installation is set up: projects, repositories, clusters, what is trusted, accounts, ApplicationSets.
import { generateKeyPairSync } from "node:crypto";
import { expect } from "vitest";
import { generateKey } from "openpgp";
import { selfSigned } from "#server/tls/self-signed.ts";
import { eventually } from "../../support/eventually.ts";
import * as admin from "./admin-verbs.ts";
import * as app from "./app-verbs.ts";
import { story, type Story } from "./story.ts";

export const adminStories: readonly Story[] = [
  story("a project, its roles and windows", async (told) => {
    const name = told.name("money");
    const wish = { name, source: "https://git.example.com/*", namespace: name, description: "money" };
    await told.do(admin.projectCreate, wish);
    await told.refused(admin.projectCreate, { ...wish, description: "other" });
    await told.do(admin.projectAddSource, { name, source: told.shared.repoURL });
    await told.do(admin.projectAllowKind, { name, group: "", kind: "Namespace" });
    await told.do(admin.windowAdd, { name, applications: "nothing-*" });
    await told.do(admin.roleCreate, { name, role: "ci" });
    await told.do(admin.rolePolicy, { name, role: "ci", action: "get", object: "*" });
    expect(await told.do(admin.roleList, { name })).toEqual(["ci"]);
    await told.do(admin.projectGet, { name });
    expect(await told.do(admin.projectListed, { name })).toBe(true);

    const token = await told.unseen(admin.roleToken, { name, role: "ci", id: "one" });
    expect(token.split(".")).toHaveLength(3);
    const { status } = await told.unseen(admin.projectGet, { name });
    const made = status?.jwtTokensByRole?.["ci"]?.items?.[0];
    expect(made?.id).toBe("one");
    await told.unseen(admin.roleTokenDelete, { name, role: "ci", iat: made!.iat });
    await told.do(admin.windowDelete, { name });
    const wanted = {
      name: told.name("pay"),
      project: name,
      repoURL: told.shared.repoURL,
      path: "small",
      namespace: name,
    };
    await told.do(app.create, wanted);
    await told.do(app.sync, { name: wanted.name });
    await told.refused(admin.projectDelete, { name });
    await told.do(app.remove, { name: wanted.name });
    await told.do(admin.projectDelete, { name });
    expect(await told.do(admin.projectListed, { name })).toBe(false);
    await told.refused(admin.projectGet, { name });
  }),

  story("repositories and credentials", async (told) => {
    const name = told.name("repo");
    const url = await told.shared.newRepository(name);
    await told.do(admin.repoAdd, { url, name });
    await told.do(admin.repoGet, { url });
    await told.do(admin.repoListed, { url });
    await told.refused(admin.repoAdd, { url: "http://127.0.0.1:1/none.git", name: told.name("none") });
    const creds = { url: `https://git.example.com/${name}/`, username: "git", password: "hush-hush" };
    await told.do(admin.credsAdd, creds);
    const listed = await told.do(admin.credsListed, creds);
    expect(listed).toBeDefined();
    expect(JSON.stringify(listed)).not.toContain("hush");
    await told.do(admin.credsRemove, creds);
    expect(await told.do(admin.credsListed, creds)).toBeUndefined();
    await told.do(admin.repoRemove, { url });
    expect(await told.do(admin.repoListed, { url })).toBeUndefined();
  }),

  story("a second cluster", async (told) => {
    const name = told.name("cluster");
    const second = await told.shared.anotherCluster();
    const { server } = second;
    await told.do(admin.clusterAdd, { name, ...second });
    expect(await told.do(admin.clusterListed, { server })).toEqual([name]);
    expect(await told.do(admin.clusterGet, { server })).toMatchObject({ name, labels: { story: name } });
    await told.do(admin.clusterSet, { server, name, namespaces: ["one", "two"] });
    expect(await told.do(admin.clusterGet, { server })).toMatchObject({ namespaces: ["one", "two"] });
    await told.do(admin.clusterRemove, { server });
    expect(await told.do(admin.clusterListed, { server })).toEqual([]);
    await told.refused(admin.clusterGet, { server });
  }),

  story("certificates, host keys, public keys", async (told) => {
    const host = `${told.name("git")}.example.com`;
    const { cert } = await selfSigned([host], Date.now());
    await told.do(admin.certAddTls, { host, pem: cert });
    await told.do(admin.certAddSsh, { host, key: hostKey() });
    const certificates = await told.unseen(admin.certList, { host });
    expect(new Set(certificates.map((each) => each["certType"]))).toEqual(new Set(["https", "ssh"]));
    await told.do(admin.certRemove, { host });
    expect(await told.do(admin.certList, { host })).toEqual([]);

    const userIDs = [{ name: "Robin", email: `robin@${host}` }];
    const { publicKey } = await generateKey({ userIDs, format: "object" });
    const keyID = publicKey.getKeyID().toHex().toUpperCase();
    await told.do(admin.gpgAdd, { keyData: publicKey.armor() });
    expect(await told.do(admin.gpgListed, { keyID })).toBe(true);
    const key = await told.unseen(admin.gpgGet, { keyID });
    expect(key).toMatchObject({ keyID, owner: `Robin <robin@${host}>` });
    await told.do(admin.gpgRemove, { keyID });
    expect(await told.do(admin.gpgListed, { keyID })).toBe(false);
  }),

  story("accounts", async (told) => {
    const name = told.name("robin");
    const { kube, up } = told.shared.world;
    const settings = { data: { [`accounts.${name}`]: "apiKey, login" } };
    await kube.edit("ConfigMap", { name: "argocd-cm", namespace: up.namespace }, settings);
    await eventually(async () => expect(await told.unseen(admin.accountListed, { name })).toBe(true));
    await told.do(admin.whoAmI, undefined);
    expect(await told.do(admin.canI, { action: "sync", resource: "applications", subresource: "default/*" })).toBe(
      "yes",
    );
    await told.refused(admin.canI, { action: "fly", resource: "applications", subresource: "*" });
    await told.do(admin.accountGet, { name });
    const secret = { name, current: up.password, password: "a-good-one-2" };
    await told.do(admin.accountPassword, secret);
    await told.refused(admin.accountPassword, { ...secret, current: "wrong" });
    const token = await told.unseen(admin.accountToken, { name, id: "one" });
    expect(token.split(".")).toHaveLength(3);
    expect(JSON.stringify(await told.unseen(admin.accountGet, { name }))).toContain('"one"');
    await told.do(admin.accountTokenDelete, { name, id: "one" });
    await told.do(admin.accountGet, { name });
    await told.refused(admin.accountGet, { name: told.name("nobody") });
  }),

  story("ApplicationSets", async (told) => {
    const name = told.name("set");
    const source = { repoURL: told.shared.repoURL, path: "small", targetRevision: "main" };
    const destination = { server: "https://kubernetes.default.svc", namespace: "{{name}}" };
    const template = { metadata: { name: "{{name}}" }, spec: { project: "default", source, destination } };
    const spec = { generators: [{ list: { elements: [] } }], template };
    const set = { apiVersion: "argoproj.io/v1alpha1", kind: "ApplicationSet", metadata: { name }, spec };
    await told.do(admin.appsetCreate, { set });
    await told.refused(admin.appsetCreate, { set: { ...set, spec: { ...spec, goTemplate: true } } });
    await told.do(admin.appsetGet, { name });
    expect(await told.do(admin.appsetListed, { name })).toBe(true);
    await told.do(admin.appsetDelete, { name });
    await eventually(async () => expect(await told.unseen(admin.appsetListed, { name })).toBe(false));
    await told.refused(admin.appsetGet, { name });
  }),

  story("which version answers", async (told) => {
    expect(await told.do(admin.version, undefined)).toMatch(/^v\d+\.\d+\.\d+/);
  }),
];

/** An SSH host key as `ssh-keyscan` prints it, without the host. */
function hostKey(): string {
  const { publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const kind = Buffer.from("ssh-ed25519");
  const length = (size: number): Buffer => Buffer.from([0, 0, 0, size]);
  const blob = Buffer.concat([length(kind.length), kind, length(raw.length), raw]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
}
