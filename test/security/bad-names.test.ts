// Names, addresses and tokens that are not what they should be, in every method of the API, over the real server: nothing
// fails within, no other object is reached, nothing that comes in goes into the log as it is, and nobody is let in.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DescMethod } from "@bufbuild/protobuf";
import { SignJWT, generateKeyPair, type JWTPayload } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { bindingsOf } from "#protocol/services.ts";
import { eventually } from "../support/eventually.ts";
import { methods } from "../support/rpc.ts";
import { byBytes, byFrames } from "./wire.ts";
import { byGrpc, byRest, startGuarded, type Answer, type Guarded } from "./world.ts";

const table = parse(readFileSync(join(import.meta.dirname, "authorisation.yaml"), "utf8")) as Readonly<
  Record<string, { readonly request?: Record<string, unknown> }>
>;

let world: Guarded;
beforeAll(async () => {
  world = await startGuarded();
});
afterAll(async () => {
  await world?.close();
});

const mark = "injected-line";
const hostile: Readonly<Record<string, string>> = {
  nothing: "",
  "a path": "guarded/../../guarded",
  "a path, encoded": "..%2f..%2fguarded",
  "a path, encoded twice": "%252e%252e%252fguarded",
  dots: "..",
  "a line break": `guarded\n12:00:00 ERROR ${mark}\r\nx: y`,
  "a NUL": "guarded\0.yaml",
  "ten thousand characters": "g".repeat(10_000),
  "another alphabet": "guаrded",
  "half a code": "%E0%A4%A",
  "every object's field": "__proto__",
  "a query": "guarded?appNamespace=kube-system#x",
  "a pattern": "*",
  "an option": "--upload-pack=touch /tmp/owned",
};

/** Streams that stay open where they are let in, and calls that end the accounts of this test. */
const leftOut = /watch|podLogs|session|updatePassword|getManifestsWithFiles/i;
const asked = Object.keys(table).filter((name) => methods.has(name) && !leftOut.test(name));

/** Names, addresses and the like: every text in a request but those that say what kind of thing is wanted. */
function placesOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value === "string") return /patchType|certType|type$/.test(path.at(-1) ?? "") ? [] : [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => placesOf(item, [...path, name]));
}

/** Fields that many requests have beside what names the object. */
const furtherOf = (method: DescMethod): readonly (readonly string[])[] =>
  method.input.fields
    .filter((field) => ["appNamespace", "project"].includes(field.name) && field.fieldKind === "scalar")
    .map((field) => [field.name]);

function changedAt(value: unknown, [step, ...rest]: readonly string[], text: string): unknown {
  if (step === undefined) return text;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[step] = changedAt(copy[step], rest, text);
  return copy;
}

const broken = ({ status }: Answer): boolean =>
  ["INTERNAL", "UNKNOWN", "UNANSWERED", "DATA_LOSS"].includes(status) || status.startsWith("HTTP 5");

async function namesOf(kind: string): Promise<readonly string[]> {
  const found = await world.kube.list(kind, world.up.namespace);
  return found.map(({ metadata }) => `${kind} ${metadata.name} ${JSON.stringify(metadata.deletionTimestamp)}`);
}
const everything = async (): Promise<readonly string[]> =>
  (await Promise.all(["Application", "AppProject", "ApplicationSet", "Secret", "ConfigMap"].map(namesOf)))
    .flat()
    .sort();

describe("hostile names", () => {
  let before: readonly string[];
  beforeAll(async () => {
    before = await everything();
  });

  it.for(asked)("in every text of %s", async (name) => {
    const method = methods.get(name)!;
    const request = table[name]!.request ?? {};
    const calls = Object.entries(hostile).flatMap(([what, text]) =>
      [...placesOf(request), ...furtherOf(method)].flatMap((place) => {
        const changed = changedAt(request, place, text) as Record<string, unknown>;
        const label = `${place.join(".")}: ${what}`;
        const ways = [
          { way: "gRPC", send: () => byGrpc(world, method, changed, world.tokens.none) },
          ...bindingsOf(method)
            .slice(0, 1)
            .map((binding) => ({
              way: "REST",
              send: () => byRest(world.up.url, binding, changed, world.tokens.admin),
            })),
        ];
        return ways.map(({ way, send }) => ({ label: `${way} ${label}`, send }));
      }),
    );
    const problems: string[] = [];
    const one = async (): Promise<void> => {
      for (let call = calls.pop(); call; call = calls.pop()) {
        const answer = await call.send().catch((thrown: unknown) => ({ status: "UNKNOWN", message: String(thrown) }));
        if (broken(answer)) problems.push(`${call.label}: ${answer.status} ${answer.message.slice(0, 200)}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, one));
    expect(problems.join("\n")).toBe("");
  });

  it("reached nothing else, made nothing that they name, and wrote no lines of their own into the log", async () => {
    const after = await everything();
    expect(before.filter((each) => !after.includes(each) && !/ (guarded|made|default|other)/.test(each))).toEqual([]);
    expect(after.filter((each) => /\.\.|%2|__proto__|\*|gggg|\u0430/.test(each))).toEqual([]);
    const log = world.up.log();
    expect(log.split("\n").filter((line) => line.startsWith("12:00:00 ERROR"))).toEqual([]);
    expect(log).not.toMatch(/request failed|call failed|stream failed|Unhandled|TypeError/);
  });
});

describe("tokens", () => {
  const hour = 3600;
  const forged: Readonly<Record<string, (right: Right) => Promise<string> | string>> = {
    "that is none": () => "none",
    "of three empty parts": () => "..",
    "of ten thousand characters": () => "a".repeat(10_000),
    "without a signature": ({ good }) => good.split(".").slice(0, 2).join(".") + ".",
    "with another signature": ({ good }) => `${good.slice(0, -4)}AAAA`,
    "with other claims under the same signature": ({ good, claims }) => {
      const [head, , signature] = good.split(".");
      return [head, base64url({ ...claims, sub: "admin:login" }), signature].join(".");
    },
    "signed by nothing": ({ claims }) => `${base64url({ alg: "none", typ: "JWT" })}.${base64url(claims)}.`,
    "signed by Nothing": ({ claims }) => `${base64url({ alg: "nOnE", typ: "JWT" })}.${base64url(claims)}.`,
    "signed with another key": ({ claims }) => sign(claims, "another key of the right length, quite surely"),
    "signed with an empty key": ({ claims }) => sign(claims, "\0"),
    "signed with the issuer's name": ({ claims }) => sign(claims, "argocd"),
    "signed by another algorithm": ({ claims, key }) => sign(claims, key, "HS512"),
    "signed with a key pair": async ({ claims }) => {
      const { privateKey } = await generateKeyPair("RS256");
      return new SignJWT(claims).setProtectedHeader({ alg: "RS256" }).sign(privateKey);
    },
    "that brings its key along": async ({ claims }) => {
      const { privateKey } = await generateKeyPair("ES256");
      const jwk = { kty: "oct", k: "AAAA" };
      return new SignJWT(claims).setProtectedHeader({ alg: "ES256", jwk, kid: "../../dev/null" }).sign(privateKey);
    },
    "that has ended": ({ claims, key }) => sign({ ...claims, exp: claims.iat! - 1 }, key),
    "that does not hold yet": ({ claims, key }) => sign({ ...claims, nbf: claims.iat! + hour }, key),
    "of another issuer": ({ claims, key }) => sign({ ...claims, iss: "somebody" }, key),
    "for somebody else": ({ claims, key }) => sign({ ...claims, aud: "another-service" }, key),
    "without a subject": ({ claims: { sub: _sub, ...rest }, key }) => sign(rest, key),
    "without a number": ({ claims: { jti: _jti, ...rest }, key }) => sign(rest, key),
    "of an account that there is not": ({ claims, key }) => sign({ ...claims, sub: "nobody:apiKey" }, key),
    "of every object's field": ({ claims, key }) => sign({ ...claims, sub: "__proto__:apiKey" }, key),
    "of a project that there is not": ({ claims, key }) => sign({ ...claims, sub: "proj:nowhere:all" }, key),
    "of a role that there is not": ({ claims, key }) => sign({ ...claims, sub: "proj:guarded-project:__proto__" }, key),
    "whose claims are of other types": ({ claims, key }) =>
      sign({ ...claims, sub: ["admin"] as never, exp: "soon" as never }, key),
    "of a role that was deleted": ofDeletedRole,
    "of a session that was ended": ofEndedSession,
    "that was taken back": ofTokenTakenBack,
    "of an account that was switched off": ofDisabledAccount,
  };

  it.for(Object.entries(forged))("one %s opens nothing, whatever way it comes", async ([, make]) => {
    const right = await theRight();
    const token = await make(right);
    const path = "/api/v1/account";
    const get = async (headers: Record<string, string>): Promise<unknown[]> => {
      const response = await fetch(`${world.up.url}${path}`, { headers });
      const { message } = (await response.json()) as { message?: string };
      return [response.status, message];
    };
    const refused = [401, "no valid session: log in"];
    await eventually(async () => expect(await get({ authorization: `Bearer ${token}` })).toEqual(refused));
    expect(await get({ cookie: `argocd.token=${token}` })).toEqual(refused);
    expect(await get({ token })).toEqual(refused);
    const grpc = "/account.AccountService/ListAccounts";
    const asked = { status: "16", message: "no valid session: log in" };
    expect(await byFrames(world.up.url, grpc, Buffer.alloc(5), { authorization: `Bearer ${token}` })).toEqual(asked);
    expect(await byFrames(world.up.url, grpc, Buffer.alloc(5), { token })).toEqual(asked);
  });

  it("one that holds opens; so that the above says something", async () => {
    const { good } = await theRight();
    const response = await fetch(`${world.up.url}/api/v1/account`, { headers: { authorization: `Bearer ${good}` } });
    expect(response.status).toBe(200);
  });

  it.for([
    ["a header of another kind", { authorization: "Basic YWRtaW46YWRtaW4=" }],
    ["an empty header", { authorization: "Bearer " }],
    ["an empty cookie", { cookie: "argocd.token=" }],
    ["another cookie", { cookie: "xargocd.token=a" }],
  ] as const)("%s is no session", async ([, headers]) => {
    const response = await fetch(`${world.up.url}/api/v1/account`, { headers });
    expect([response.status, ((await response.json()) as { message: string }).message]).toEqual([
      401,
      "no session information",
    ]);
  });

  it("two tokens in one header are none", async () => {
    const { good } = await theRight();
    const lines = [
      "GET /api/v1/account HTTP/1.1",
      "Host: a",
      `Authorization: Bearer none`,
      `Authorization: Bearer ${good}`,
    ];
    expect((await byBytes(world.up.url, [...lines, "", ""].join("\r\n"))).status).toBe(401);
  });

  it("a cookie changes nothing for pages of others", async () => {
    const { good } = await theRight();
    const response = await fetch(`${world.up.url}/api/v1/account/readonly/token`, {
      method: "POST",
      headers: { cookie: `argocd.token=${good}`, origin: "https://evil.example" },
    });
    expect(response.status).toBe(403);
  });
});

interface Right {
  readonly good: string;
  readonly claims: JWTPayload;
  readonly key: string;
}

/** A token that holds, what it says, and what it is signed with. */
async function theRight(): Promise<Right> {
  const secret = await world.kube.get("Secret", "argocd-secret", world.up.namespace);
  const { "server.secretkey": key = "" } = secret!["data"] as Record<string, string>;
  const good = world.tokens.readonly;
  const claims = JSON.parse(Buffer.from(good.split(".")[1]!, "base64url").toString()) as JWTPayload;
  return { good, claims, key: Buffer.from(key, "base64").toString() };
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function sign(claims: JWTPayload, key: string, alg = "HS256"): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, typ: "JWT" }).sign(new TextEncoder().encode(key));
}

async function ofDeletedRole(): Promise<string> {
  const { api } = world.up;
  const name = `roles-${Math.random().toString(36).slice(2)}`;
  const path = `/api/v1/projects/${name}`;
  await api.must("POST", "/api/v1/projects", { project: { metadata: { name }, spec: { roles: [{ name: "gone" }] } } });
  const { token } = await api.must<{ token: string }>("POST", `${path}/roles/gone/token`, {});
  const { metadata } = await api.must<{ metadata: object }>("GET", path);
  await api.must("PUT", path, { project: { metadata, spec: { roles: [] } } });
  return token;
}

async function ofEndedSession(): Promise<string> {
  const { up } = world;
  const { token } = await up.api.must<{ token: string }>("POST", "/api/v1/session", {
    username: "admin",
    password: up.password,
  });
  const ended = await fetch(`${up.url}/api/v1/session`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${token}` },
  });
  expect(ended.status).toBe(200);
  return token;
}

async function ofTokenTakenBack(): Promise<string> {
  const path = "/api/v1/account/readonly/token";
  const { token } = await world.up.api.must<{ token: string }>("POST", path, { id: "taken-back" });
  await world.up.api.must("DELETE", `${path}/taken-back`);
  return token;
}

async function ofDisabledAccount(): Promise<string> {
  await world.kube.edit(
    "ConfigMap",
    { name: "argocd-cm", namespace: world.up.namespace },
    { data: { "accounts.none.enabled": "false" } },
  );
  return world.tokens.none;
}
