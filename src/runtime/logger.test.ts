import { describe, expect, it } from "vitest";
import { createLogger } from "./logger.ts";

function lines(format: "json" | "text", level: "debug" | "info" = "info") {
  const written: string[] = [];
  const log = createLogger({ level, format, destination: { write: (line) => void written.push(line) } });
  return { log, written };
}

describe("createLogger", () => {
  it("writes one JSON object a line, with the fields of every logger above", () => {
    const { log, written } = lines("json");
    log.with({ loop: "application" }).with({ key: "argocd/a" }).info("done", { count: 2 });
    expect(JSON.parse(written[0]!)).toMatchObject({ msg: "done", loop: "application", key: "argocd/a", count: 2 });
  });

  it("writes nothing below its level", () => {
    const { log, written } = lines("json");
    log.with({ key: "a" }).debug("detail");
    expect(written).toEqual([]);
  });

  it("never writes what is named like a secret, on any level of nesting that is logged", () => {
    const { log, written } = lines("json");
    log.info("login", { password: "hunter2", access: { token: "hunter2", url: "https://git.example.com" } });
    log.with({ bearerToken: "hunter2" }).info("again");
    expect(written.join("")).not.toContain("hunter2");
    expect(written.join("")).toContain("https://git.example.com");
  });

  it.for(["json", "text"] as const)("never writes who a URL speaks for, as %s", (format) => {
    const { log, written } = lines(format);
    log.info("fetch of https://me:hunter2@git.example.com/a failed", { urls: ["oci://me:hunter2@x/y"], text: '"' });
    log.with({ url: "https://hunter2@x" }).info("again");
    expect(written.join("")).not.toContain("hunter2");
    expect(written.join("")).toContain("https://***@git.example.com/a");
    expect(written[0]).toContain(`"oci://***@x/y"`);
  });

  it("lets nothing that is logged begin a line of its own", () => {
    const { log, written } = lines("text");
    log.info("one\n12:00:00 INFO  forged", { name: "a\n12:00:00 INFO  forged", code: "\u001b[2J" });
    expect(written.join("").trimEnd()).not.toContain("\n");
    expect(written.join("")).not.toContain("\u001b");
  });

  it("writes short lines for people", () => {
    const { log, written } = lines("text");
    log.warn("watch broken", { kind: "Secret", tries: 3 });
    expect(written[0]).toMatch(/^\d\d:\d\d:\d\d WARN {2}watch broken kind=Secret tries=3\n$/);
  });
});
