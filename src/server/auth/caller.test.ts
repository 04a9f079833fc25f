// A server for one caller: whoever has its token is the admin, nobody else gets in, and nothing is made on the cluster.
import { describe, expect, test } from "vitest";
import { silentLogger } from "#base/operation.ts";
import { fakeClock } from "#base/testing/fake-clock.ts";
import type { KubeClient } from "#kube/types.ts";
import { Sessions } from "./sessions.ts";

const op = { signal: new AbortController().signal, log: silentLogger };
const settings = {
  accounts: [],
  adminEnabled: false,
  anonymousEnabled: true,
  passwordPattern: "^.{8,32}$",
  sessionMs: 1000,
};

async function started(token: string): Promise<{ readonly sessions: Sessions; readonly writes: readonly string[] }> {
  const writes: string[] = [];
  const write = (verb: string) => (): Promise<never> => {
    writes.push(verb);
    return Promise.reject(new Error("nothing is to be written"));
  };
  const get = (): Promise<undefined> => Promise.resolve(undefined);
  const control = { get, create: write("create"), patch: write("patch") } as unknown as KubeClient;
  const sessions = new Sessions({
    control,
    namespace: "argocd",
    clock: fakeClock(),
    settings: () => settings,
    project: () => undefined,
    randomBytes: (count) => new Uint8Array(count),
    caller: { token },
  });
  await sessions.start(op);
  return { sessions, writes };
}

describe("a server for one caller", () => {
  test("takes its token for the admin, also where that account is disabled, and makes no keys", async () => {
    const { sessions, writes } = await started("secret-of-this-process");
    await expect(sessions.verify("secret-of-this-process")).resolves.toMatchObject({
      username: "admin",
      kind: "local",
    });
    expect(writes).toEqual([]);
  });

  test.each(["", "secret-of-another-proces", "secret-of-this-procesS", "secret-of-this-process "])(
    "refuses %j",
    async (token) => {
      const { sessions } = await started("secret-of-this-process");
      await expect(sessions.verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    },
  );

  test("an empty token lets nobody in, and nobody is anonymous whatever the settings say", async () => {
    const { sessions } = await started("");
    await expect(sessions.verify("")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(sessions.anonymous()).toBeUndefined();
  });
});
