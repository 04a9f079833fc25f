import { describe, expect, it } from "vitest";
import { readListState, writeListState } from "./list-url.ts";

describe("the list's state in the address", () => {
  it.each([
    "",
    "q=shop+api",
    "sync=OutOfSync&sync=Unknown&health=Degraded",
    "q=a%26b&project=p&cluster=https%3A%2F%2Fkube&namespace=n&label=team%3Da&repo=https%3A%2F%2Fgit%2Fx.git",
    "sort=health&view=table",
    "sort=name%3Adesc&view=tiles",
  ])("survives being read and written: %s", (text) => expect(writeListState(readListState(text))).toBe(text));

  it("reads what it does not know as if it were not there", () => {
    expect(writeListState(readListState("?sort=nonsense:desc&view=cards&foo=bar&sync="))).toBe("");
  });
});
