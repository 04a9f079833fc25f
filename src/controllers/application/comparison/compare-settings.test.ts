// How objects are compared, by what applications, objects and settings say: on cases.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { Application, IgnoreDifference } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import { parseSettings, type ConfigData } from "#model/settings.ts";
import { comparingOf, systemComparing } from "./compare-settings.ts";

interface Case {
  readonly name: string;
  readonly syncOptions?: readonly string[];
  readonly compareOptions?: string;
  readonly ignore?: readonly IgnoreDifference[];
  readonly cm?: ConfigData;
  readonly params?: ConfigData;
  readonly kind?: string;
  readonly annotations?: Record<string, string>;
  readonly expect?: object;
  readonly rules?: number;
  readonly managers?: readonly string[];
  readonly known?: readonly unknown[];
  readonly error?: string;
}

const cases = parse(readFileSync(new URL("cases/compare-settings.yaml", import.meta.url), "utf8")) as readonly Case[];

function applicationOf(one: Case): Application {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: {
      name: "app",
      ...(one.compareOptions ? { annotations: { "argocd.argoproj.io/compare-options": one.compareOptions } } : {}),
    },
    spec: {
      project: "default",
      destination: {},
      ...(one.ignore ? { ignoreDifferences: one.ignore } : {}),
      ...(one.syncOptions ? { syncPolicy: { syncOptions: one.syncOptions } } : {}),
    },
  };
}

test.each(cases.map((one) => [one.name, one] as const))("%s", (_name, one) => {
  const [group = "", kind = ""] = (one.kind ?? "apps/Deployment").split("/");
  const key = { group, kind, namespace: "shop", name: "web" };
  const { annotations = {} } = one;
  const desired: KubernetesObject = { apiVersion: "v1", kind, metadata: { name: "web", annotations } };
  const { settings } = parseSettings(one.cm, one.params);
  const comparing = comparingOf(applicationOf(one), systemComparing(settings));
  const how = comparing.settingsFor(key, desired);
  const told = "error" in how ? how : { ...how, rules: how.ignore.length };
  const wanted =
    one.error === undefined ? { ...one.expect, ...(one.rules === undefined ? {} : { rules: one.rules }) } : {};
  expect(told).toMatchObject(wanted);
  expect("error" in how ? how.error : "").toContain(one.error ?? "");
  expect("error" in how).toBe(one.error !== undefined);
  expect(comparing.managersOf(key)).toEqual(one.managers ?? []);
  expect(comparing.knownFieldsOf(key)).toEqual(one.known ?? []);
});

test("another id where objects may compare otherwise, the same else", () => {
  const id = (one: Omit<Case, "name">) =>
    comparingOf(applicationOf({ name: "", ...one }), systemComparing(parseSettings(undefined, undefined).settings)).id;
  expect(id({})).toBe(id({}));
  expect(id({ compareOptions: "ServerSideDiff=true" })).not.toBe(id({}));
  expect(id({ syncOptions: ["ServerSideApply=true"] })).not.toBe(id({}));
  expect(id({ ignore: [{ kind: "A" }] })).not.toBe(id({}));
});
