// What the server answers is what its description says.
import { expect, it } from "vitest";
import { bindingsOf, services } from "#protocol/services.ts";
import { plainRoute, routesOfServer } from "#test/support/routes.ts";
import { document } from "./swagger.ts";

/** The description and its page are no part of what they describe. */
const undescribed = ["GET /swagger.json", "GET /swagger-ui"];

it("has a route for every binding", async () => {
  const routes = await routesOfServer();
  const bindings = services.flatMap((service) =>
    service.methods.flatMap((method) => bindingsOf(method).map(({ verb, path }) => plainRoute(`${verb} ${path}`))),
  );
  expect(bindings.filter((binding) => !routes.has(binding))).toEqual([]);
});

it("answers what /swagger.json describes, and nothing else", async () => {
  const paths = document("1")["paths"] as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const described = Object.entries(paths).flatMap(([path, verbs]) =>
    Object.keys(verbs).map((verb) => plainRoute(`${verb.toUpperCase()} ${path}`)),
  );
  expect([...new Set(described), ...undescribed].sort()).toEqual([...(await routesOfServer())].sort());
});
