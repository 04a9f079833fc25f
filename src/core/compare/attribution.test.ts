// Who changed what, on cases.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { JsonObject } from "#base/json.ts";
import { catalogueFromOpenApiV3 } from "#core/merge/schema.ts";
import { gvkOf, type KubernetesObject } from "#model/object.ts";
import { attribute, attributionText } from "./attribution.ts";

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");
const catalogue = catalogueFromOpenApiV3([JSON.parse(read("../merge/cases/openapi.json")) as JsonObject]);

interface Case {
  readonly name: string;
  readonly live: KubernetesObject;
  readonly predicted?: KubernetesObject;
  readonly paths: readonly string[];
  readonly expect: readonly { state: string; writers: readonly string[]; live?: unknown; text?: string }[];
}

test.each(parse(read("cases/attribution.yaml")) as Case[])("$name", ({ live, predicted, paths, expect: wanted }) => {
  const found = attribute(live, predicted, catalogue.typeOf(gvkOf(live)), paths);
  expect(found.map(({ path }) => path)).toEqual(paths);
  const told = found.map((attribution) => ({
    state: attribution.state,
    writers: attribution.writers.map(({ manager, subresource }) => [manager, subresource].filter(Boolean).join(" ")),
    live: attribution.live,
    text: attributionText(attribution, "argocd-controller"),
  }));
  expect(told).toMatchObject(wanted);
});
