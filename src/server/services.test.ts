import { describe, expect, it } from "vitest";
import { services } from "#protocol/services.ts";
import type { ApplicationService } from "./application/service.ts";
import { apiServices, type ApiDeps } from "./services.ts";

/** Stands for everything: methods are bound, none is called. */
const anything: unknown = new Proxy(() => {}, { get: () => anything, apply: () => anything });

/** Methods that answer nothing but that they come later. */
const later: readonly string[] = ["ApplicationSetService.generate"];

describe("the services of the API", () => {
  const names = [
    "accounts",
    "clusters",
    "control",
    "controller",
    "projects",
    "rbac",
    "secrets",
    "sessions",
    "access",
    "metrics",
  ];
  const applications = { resourceVersion: "1", subscribe: () => () => {}, values: () => [], get: () => undefined };
  const deps: unknown = {
    ...Object.fromEntries(names.map((name) => [name, anything])),
    namespace: "argocd",
    applications,
  };
  const bound = apiServices(deps as ApiDeps, anything as ApplicationService);

  it("are all there, once", () => {
    const sorted = (all: readonly { readonly typeName: string }[]): readonly string[] =>
      all.map(({ typeName }) => typeName).sort();
    expect(sorted(bound.map(({ desc }) => desc))).toEqual(sorted(services));
  });

  it.each(services.map((desc) => [desc.typeName, desc] as const))(
    "every method of %s is implemented",
    (_name, desc) => {
      const implemented = bound.find((service) => service.desc === desc)?.methods ?? {};
      expect(desc.methods.map(({ localName }) => localName).filter((name) => !implemented[name])).toEqual([]);
    },
  );

  it("those that come later say so", async () => {
    for (const name of later) {
      const [service, method] = name.split(".") as [string, string];
      const { methods } = bound.find(({ desc }) => desc.name === service)!;
      const { handle } = methods[method] as unknown as { readonly handle: () => unknown };
      await expect(Promise.resolve().then(handle)).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
    }
  });
});
