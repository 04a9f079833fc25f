import { generateKey } from "openpgp";
import { beforeAll, describe, expect, it } from "vitest";
import { silentLogger } from "#base/operation.ts";
import { applyMergePatch } from "#core/merge/merge-patch.ts";
import type { KubeClient } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Rbac } from "../auth/rbac.ts";
import { answer, type Call } from "../rpc/service.ts";
import { gpgKeyApi } from "./api.ts";

const generated = () =>
  generateKey({ type: "ecc", curve: "ed25519Legacy", userIDs: [{ name: "Alice", email: "a@x.y" }] });
let alice: { publicKey: string; privateKey: string };
let bob: { publicKey: string };
beforeAll(async () => {
  [alice, bob] = await Promise.all([generated(), generated()]);
});

interface Key {
  readonly keyID: string;
  readonly fingerprint: string;
  readonly keyData: string;
}

interface Answer extends Key {
  readonly created: { readonly items: readonly Key[] };
  readonly skipped: readonly string[];
  readonly items: readonly Key[];
}

function api(may: readonly string[] = ["get", "create", "delete"]) {
  let map: KubernetesObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" } };
  const control = {
    get: () => Promise.resolve(map),
    patch: (_op: unknown, _type: unknown, _ref: unknown, { body }: { body: unknown }) => {
      map = applyMergePatch(map as never, body as never) as unknown as KubernetesObject;
      return Promise.resolve(map);
    },
  } as unknown as KubeClient;
  const rbac = {
    may: (_who: unknown, resource: string, action: string) => resource === "gpgkeys" && may.includes(action),
  };
  const { methods } = gpgKeyApi({ control, namespace: "argocd", rbac: rbac as unknown as Rbac });
  const call = {
    op: { signal: new AbortController().signal, log: silentLogger },
    account: { username: "a", kind: "local", issuer: "", groups: [] },
  } as unknown as Call;
  return (name: string, request: object = {}) => answer(methods[name]!, call, request) as Promise<Answer>;
}

describe("OpenPGP keys by the API", () => {
  it("are added, listed without their data, read and removed", async () => {
    const ask = api();
    const { created } = await ask("create", { publickey: { keyData: alice.publicKey } });
    const { keyID } = created.items[0]!;
    expect(created.items).toMatchObject([{ owner: "Alice <a@x.y>", subType: "ed25519", trust: "unknown" }]);
    expect(keyID).toMatch(/^[0-9A-F]{16}$/);
    expect((await ask("list")).items).toEqual([expect.not.objectContaining({ keyData: expect.anything() })]);
    const { fingerprint } = await ask("get", { keyID: keyID.toLowerCase() });
    expect((await ask("get", { keyID: fingerprint })).keyData).toContain("BEGIN PGP PUBLIC KEY BLOCK");
    await ask("delete", { keyID });
    expect((await ask("list")).items).toEqual([]);
    await expect(ask("delete", { keyID })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("that are known are skipped", async () => {
    const ask = api();
    await ask("create", { publickey: { keyData: alice.publicKey } });
    const again = await ask("create", { publickey: { keyData: alice.publicKey } });
    expect([again.created.items.length, again.skipped.length]).toEqual([0, 1]);
    const other = await ask("create", { publickey: { keyData: bob.publicKey } });
    expect([other.created.items.length, other.skipped.length]).toEqual([1, 0]);
  });

  it.each<[string, () => string, string]>([
    ["nothing", () => " ", "is empty"],
    ["something else", () => "-----BEGIN x", "no armoured OpenPGP key"],
    ["a private key", () => alice.privateKey, "hold a private key"],
  ])("%s is refused", async (_name, keyData, message) => {
    await expect(api()("create", { publickey: { keyData: keyData() } })).rejects.toThrow(message);
  });

  it.each([
    ["create", "get"],
    ["delete", "get"],
    ["list", "create"],
  ])("%s needs its own permission", async (method, only) => {
    await expect(api([only])(method, { keyID: "0123456789ABCDEF" })).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
    });
  });
});
