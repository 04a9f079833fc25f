import { describe, expect, it } from "vitest";
import { services } from "#protocol/services.ts";
import { unwired } from "#test/support/unwired.ts";

/** Methods that answer nothing but that they come later. */
const later: readonly string[] = ["ApplicationSetService.generate"];

describe("the services of the API", () => {
  const bound = unwired.services();

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
