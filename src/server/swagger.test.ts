// The API's description, and the page of it.
import Fastify from "fastify";
import { expect, it } from "vitest";
import { bindingsOf, services } from "#protocol/services.ts";
import { document as describing, swaggerRoutes } from "./swagger.ts";

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
  readonly definitions: Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>> }>>;
}
const document = describing("1") as unknown as Document;

it("describes every binding of every method, each operation by a name of its own", () => {
  for (const service of services)
    for (const method of service.methods.filter(({ methodKind }) => methodKind !== "client_streaming"))
      for (const { path, verb } of bindingsOf(method))
        expect(document.paths[path.replace("=**}", "}")]?.[verb.toLowerCase()], path).toBeDefined();
  const ids = Object.values(document.paths).flatMap((verbs) => Object.values(verbs).map((each) => each.operationId));
  expect(new Set(ids).size).toBe(ids.length);
});

it("defines everything that is referred to", () => {
  const names = [...JSON.stringify(document).matchAll(/"#\/definitions\/([^"]+)"/g)].map((match) => match[1]!);
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name) => !(name in document.definitions))).toEqual([]);
  expect(document.definitions["v1alpha1Application"]?.properties).toMatchObject({
    spec: { $ref: "#/definitions/v1alpha1ApplicationSpec" },
  });
  expect(document.definitions["v1alpha1ResourceNode"]?.properties).toMatchObject({ kind: { type: "string" } });
});

it("has a page without scripts, and from nowhere else", async () => {
  const app = Fastify();
  swaggerRoutes(app, "1");
  const page = await app.inject("/swagger-ui");
  expect(page.body).toContain("/api/v1/applications/{name}/sync");
  expect(page.body).not.toMatch(/<script|src=|https?:/);
  expect((await app.inject("/swagger.json")).json()).toMatchObject({ swagger: "2.0" });
});
