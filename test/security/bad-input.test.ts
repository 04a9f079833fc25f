// What no client should send, over the real server: each is answered with the right status and says what is wrong, nothing
// is changed by it, and whoever calls beside it does not notice. The cases stand in bad-input.yaml.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { byBytes, byFrames, bytesOf, frameOf, type Made } from "./wire.ts";
import { startGuarded, type Guarded, type Role } from "./world.ts";

interface RestCase {
  readonly send: string;
  readonly as?: Role | "";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Made;
  /** So many characters behind the path: `a`, or those of `with`. */
  readonly long?: number;
  readonly with?: string;
  readonly status: number | readonly number[];
  readonly says?: string;
  readonly allow?: string;
}
interface GrpcCase {
  readonly to: string;
  readonly as?: Role | "";
  readonly headers?: Readonly<Record<string, string>>;
  /** All bytes of the body, in hexadecimal digits; or the one message in it. */
  readonly frames?: string;
  readonly message?: Made;
  readonly flags?: number;
  readonly status: string;
}
interface BytesCase {
  readonly send: readonly string[];
  readonly repeat?: string;
  readonly times?: number;
  readonly says: number | string;
}
interface UpgradeCase {
  readonly path: string;
  readonly headers: readonly string[];
  readonly says: string;
}
interface WebhookCase {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Made;
  readonly status: number | string;
  readonly says?: string;
}
interface Cases {
  readonly rest: Readonly<Record<string, RestCase>>;
  readonly grpc: Readonly<Record<string, GrpcCase>>;
  readonly bytes: Readonly<Record<string, BytesCase>>;
  readonly upgrade: Readonly<Record<string, UpgradeCase>>;
  readonly webhook: Readonly<Record<string, WebhookCase>>;
}

const cases = parse(readFileSync(join(import.meta.dirname, "bad-input.yaml"), "utf8")) as Cases;
/** A caller beside the bad ones is answered within this time, on a machine that does much else. */
const besideWithinMs = 4000;

let world: Guarded;
let beside: { end(): Promise<{ slowestMs: number; failed: readonly string[]; calls: number }> };

beforeAll(async () => {
  world = await startGuarded();
  const { kube, up } = world;
  await kube.edit(
    "Secret",
    { name: "argocd-secret", namespace: up.namespace },
    { stringData: { "webhook.gogs.secret": "s3cr3t" } },
  );
  beside = callBeside();
});
afterAll(async () => {
  await world?.close();
});

/** Somebody who asks again and again, and notes how long it took. */
function callBeside(): typeof beside {
  const ending = new AbortController();
  let slowestMs = 0;
  let calls = 0;
  const failed: string[] = [];
  const asking = (async () => {
    while (!ending.signal.aborted) {
      const start = performance.now();
      const answer = await world.up.api.call("GET", "/api/v1/applications/guarded?fields=metadata.name").catch(String);
      slowestMs = Math.max(slowestMs, performance.now() - start);
      calls++;
      if (typeof answer === "string" || answer.status !== 200) failed.push(JSON.stringify(answer));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    async end() {
      ending.abort();
      await asking;
      return { slowestMs, failed, calls };
    },
  };
}

const bearer = (role: Role | "" | undefined): Record<string, string> =>
  role === "" ? {} : { authorization: `Bearer ${world.tokens[role ?? "admin"]}` };

describe.concurrent("REST", () => {
  it.for(Object.entries(cases.rest))("%s", async ([, given], { expect: expected }) => {
    const [method = "", path = ""] = given.send.split(/ (.*)/);
    const url = `${world.up.url}${path}${(given.with ?? "a").repeat(given.long ?? 0)}`;
    const body = given.body === undefined ? undefined : bytesOf(given.body);
    const headers = { ...(body ? { "content-type": "application/json" } : {}), ...bearer(given.as), ...given.headers };
    const response = await fetch(url, { method, headers, ...(body ? { body } : {}) });
    const text = await response.text();
    expected([given.status].flat(), text).toContain(response.status);
    expected(response.headers.get("x-injected")).toBeNull();
    expected(response.headers.get("allow") ?? "").toContain(given.allow ?? "");
    const said =
      response.ok || method === "HEAD" ? { message: "" } : (JSON.parse(text) as { message: string; code: number });
    expected(said.message).toMatch(new RegExp(given.says ?? ""));
    expected(said.message.length).toBeLessThan(30_000);
  });
});

describe.concurrent("gRPC", () => {
  it.for(Object.entries(cases.grpc))("%s", async ([, given], { expect: expected }) => {
    const body =
      given.message === undefined
        ? bytesOf({ hex: given.frames ?? "" })
        : frameOf(bytesOf(given.message), { flags: given.flags ?? 0 });
    const answer = await byFrames(world.up.url, `/${given.to}`, body, { ...bearer(given.as), ...given.headers });
    expected(answer.status, answer.message).toMatch(new RegExp(`^(${given.status})$`));
  });
});

describe.concurrent("HTTP", () => {
  it.for(Object.entries(cases.bytes))(
    "%s",
    async ([, { send, repeat = "", times = 0, says }], { expect: expected }) => {
      const [line = "", ...rest] = send;
      const text = [line, ...Array.from({ length: times }, () => repeat), ...rest, "", ""].join("\r\n");
      const answer = await byBytes(world.up.url, text);
      expected(String(answer.status), answer.text).toMatch(new RegExp(`^(${says})$`));
    },
  );

  it.for(Object.entries(cases.upgrade))("an upgrade %s", async ([, { path, headers, says }], { expect: expected }) => {
    const { host } = new URL(world.up.url);
    const answer = await byBytes(
      world.up.url,
      [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...headers, "", ""].join("\r\n"),
    );
    expected(String(answer.status), answer.text).toMatch(new RegExp(`^(${says})$`));
  });
});

describe.concurrent("a webhook of", () => {
  it.for(Object.entries(cases.webhook))("%s", async ([, given], { expect: expected }) => {
    const headers = { "content-type": "application/json", ...given.headers };
    const body = given.body === undefined ? undefined : bytesOf(given.body);
    const response = await fetch(`${world.up.url}/api/webhook`, {
      method: given.method ?? "POST",
      headers,
      ...(body ? { body } : {}),
    });
    const text = await response.text();
    expected(String(response.status), text).toMatch(new RegExp(`^(${given.status})$`));
    expected(text).toMatch(new RegExp(given.says ?? ""));
  });
});

describe("after all that", () => {
  it("nobody beside it was kept waiting", async () => {
    const { slowestMs, failed, calls } = await beside.end();
    expect(failed).toEqual([]);
    expect(calls).toBeGreaterThan(20);
    expect(slowestMs).toBeLessThan(besideWithinMs);
  });

  it("what was there is there, nothing came, and nothing failed within", async () => {
    const { kube, up } = world;
    expect(await names("Application")).toContain("guarded");
    expect(await names("AppProject")).not.toContain("bad");
    expect((await kube.get("Application", "guarded", up.namespace))?.["polluted"]).toBeUndefined();
    expect(up.log()).not.toMatch(/request failed|call failed|terminal failed|Unhandled|TypeError/);
  });
});

async function names(kind: string): Promise<readonly string[]> {
  return (await world.kube.list(kind, world.up.namespace)).map(({ metadata }) => metadata.name ?? "").sort();
}
