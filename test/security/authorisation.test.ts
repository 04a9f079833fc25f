// Who may call what, by the table in authorisation.yaml, over the real server, by gRPC and by REST: a method that is
// missing there fails, and so does an answer that tells of what the caller may not see.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { bindingsOf, type Binding, type Verb } from "#protocol/services.ts";
import { plainRoute, routesOfServer, terminalRoute } from "../support/routes.ts";
import { methods } from "../support/rpc.ts";
import { byGrpc, byRest, byUpgrade, roles, startGuarded, type Answer, type Guarded, type Role } from "./world.ts";

interface Entry {
  readonly request?: Record<string, unknown>;
  readonly may?: readonly Role[];
  readonly shows?: readonly Role[];
  readonly sign?: string;
  readonly open?: boolean;
  readonly session?: boolean;
}

const table = parse(readFileSync(join(import.meta.dirname, "authorisation.yaml"), "utf8")) as Record<string, Entry>;

/** What takes something away comes last, the end of a session last of all. */
const order = (name: string): number => (/session\w*\.delete/i.test(name) ? 2 : /delete|terminate/i.test(name) ? 1 : 0);
const entries = Object.entries(table).sort(([a], [b]) => order(a) - order(b));

type Way = (request: Record<string, unknown>, token: string) => Promise<Answer>;

let world: Guarded;
beforeAll(async () => {
  world = await startGuarded();
});
afterAll(async () => {
  await world?.close();
});

/** A route may stand several times, for what is asked of it. */
const routeOf = (name: string): string => name.split(" ").slice(0, 2).join(" ");

function waysOf(name: string): Record<string, Way> {
  const method = methods.get(name);
  const rest =
    (binding: Binding): Way =>
    (request, token) =>
      byRest(world.up.url, binding, request, token);
  if (name === terminalRoute)
    return { WebSocket: (request, token) => byUpgrade(world.up.url, terminalRoute, request, token) };
  if (!method) {
    const [verb, path] = routeOf(name).split(" ") as [Verb, string];
    return { [name]: rest({ verb, path, body: verb === "GET" ? "" : "*" }) };
  }
  const bindings = method.methodKind === "client_streaming" ? [] : bindingsOf(method);
  return {
    gRPC: (request, token) => byGrpc(world, method, request, token),
    ...Object.fromEntries(bindings.map((binding) => [`${binding.verb} ${binding.path}`, rest(binding)])),
  };
}

/** What an answer says of permission. */
function verdict({ status, message }: Answer): string {
  if (status === "UNAUTHENTICATED" && message === "no session information") return "no session";
  if (status === "PERMISSION_DENIED") return "forbidden";
  return ["INTERNAL", "UNKNOWN", "HTTP 500"].includes(status) ? `broken: ${message}` : "let in";
}

function wanted(entry: Entry, role: Role): string {
  if (entry.open) return "let in";
  if (role === "anonymous") return "no session";
  return entry.may && !entry.may.includes(role) ? "forbidden" : "let in";
}

/** The same request of something that does not exist. */
const unknown = (request: object): Record<string, unknown> =>
  JSON.parse(JSON.stringify(request).replaceAll("guarded", "nowhere")) as Record<string, unknown>;
const masked = ({ status, message }: Answer): string => `${status}: ${message.replaceAll("nowhere", "guarded")}`;

it("names every method of the API", () => {
  const known = Object.keys(table).filter((name) => !name.includes(" "));
  expect(known.sort()).toEqual([...methods.keys()].sort());
});

it("names every route that stands beside the methods", async () => {
  const known = Object.keys(table).flatMap((name) => (name.includes(" ") ? [plainRoute(routeOf(name))] : []));
  const bindings = [...methods.values()].flatMap((method) =>
    bindingsOf(method).map(({ verb, path }) => plainRoute(`${verb} ${path}`)),
  );
  const others = [...(await routesOfServer()), terminalRoute].filter(
    // By REST a stream of files is a route of its own.
    (route) => !bindings.includes(route) || route === "POST /api/v1/applications/manifestsWithFiles",
  );
  expect([...new Set(known)].sort()).toEqual(others.sort());
});

describe("clusters of a project", () => {
  const path = "/api/v1/clusters/https%253A%252F%252F127.0.0.1%253A9%252Fguarded";
  const put = async (body: object, query = ""): Promise<Response> =>
    fetch(`${world.up.url}${path}${query}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${world.tokens.right}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  it.for([
    ["without field names", ""],
    ["with field names", "?updatedFields=project"],
  ] as const)("are not given to everybody by who has a say in the project alone: %s", async ([, query]) => {
    const answer = await put({ server: "https://127.0.0.1:9/guarded", project: "" }, query);
    expect(answer.status).toBe(403);
  });

  it("are not a way to the cluster that needs no Secret", async () => {
    const cluster = {
      server: " https://kubernetes.default.svc/ ",
      name: "mine",
      project: "guarded-project",
      config: {},
    };
    const answer = await byGrpc(world, methods.get("ClusterService.create")!, { cluster }, world.tokens.right);
    expect(answer.status).toBe("PERMISSION_DENIED");
  });

  it.for([{ execProviderConfig: { command: "no-such-program" } }, { awsAuthConfig: { clusterName: "x" } }])(
    "run no program beside the server for who has a say in the project alone: %j",
    async (config) => {
      const cluster = { server: "https://127.0.0.1:9/program", name: "program", project: "guarded-project", config };
      const create = methods.get("ClusterService.create")!;
      expect(await byGrpc(world, create, { cluster }, world.tokens.right)).toMatchObject({
        status: "PERMISSION_DENIED",
      });
      const answer = await put({ server: "https://127.0.0.1:9/guarded", config }, "?updatedFields=config");
      expect(answer.status).toBe(403);
      // Who has a say in all of them comes as far as trying.
      expect((await byGrpc(world, create, { cluster }, world.tokens.admin)).status).toBe("UNAVAILABLE");
    },
  );

  it("are not found by a name that is not URL-encoded", async () => {
    const query = { id: { type: "url", value: "%E0%A4%A" } };
    const answer = await byGrpc(world, methods.get("ClusterService.get")!, query, world.tokens.admin);
    expect(answer).toMatchObject({ status: "INVALID_ARGUMENT" });
  });
});

/** Accounts that may not read the object either. */
const blind: readonly Role[] = ["anonymous", "none", "other"];

async function problemsOf(entry: Entry, call: Way, role: Role): Promise<string[]> {
  const problems: string[] = [];
  const request = entry.request ?? {};
  const answer = await call(request, world.tokens[role]);
  // A method that is not there gives nothing away.
  if (answer.status === "UNIMPLEMENTED" || answer.message.startsWith("there is nothing at")) return [];
  const [found, expected] = [verdict(answer), wanted(entry, role)];
  if (found !== expected) problems.push(`${found}, not ${expected} (${answer.status}: ${answer.message})`);
  if (entry.shows) {
    const sees = JSON.stringify(answer.body ?? "").includes(entry.sign ?? "");
    if (sees !== entry.shows.includes(role)) problems.push(`${sees ? "sees" : "does not see"} ${entry.sign}`);
  }
  if (expected === "let in" || !blind.includes(role)) return problems;
  const other = masked(await call(unknown(request), world.tokens[role]));
  if (other !== masked(answer))
    problems.push(`what does not exist is answered ${other}, what is there ${masked(answer)}`);
  return problems;
}

it.for(entries)("lets in who may, and nobody else: %s", async ([name, entry]) => {
  const problems: string[] = [];
  // Who may changes things: they come last.
  for (const may of [false, true]) {
    for (const role of roles.filter((each) => (wanted(entry, each) === "let in") === may)) {
      for (const [way, call] of Object.entries(waysOf(name))) {
        if (order(name) === 1) await world.restore();
        problems.push(...(await problemsOf(entry, call, role)).map((problem) => `${way}, ${role}: ${problem}`));
      }
    }
  }
  expect(problems.join("\n")).toBe("");
});
