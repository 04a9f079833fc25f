// How argocd-cmd-params-cm says that TLS is spoken.
import { describe, expect, it } from "vitest";
import { insecureOf, tlsSettings } from "./settings.ts";

describe("tlsSettings", () => {
  const byDefault = { minVersion: "TLSv1.2", maxVersion: "TLSv1.3" };
  const cases: readonly [name: string, data: Record<string, string>, settings: object, problems: readonly string[]][] =
    [
      ["nothing said", {}, byDefault, []],
      ["a version", { "server.tls.minversion": "1.3" }, { ...byDefault, minVersion: "TLSv1.3" }, []],
      ["a version that there is not", { "server.tls.minversion": "2" }, byDefault, ["server.tls.minversion"]],
      [
        "the oldest above the newest",
        { "server.tls.minversion": "1.3", "server.tls.maxversion": "1.2" },
        { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" },
        ["server.tls.minversion"],
      ],
      ["ciphers, none known", { "server.tls.ciphers": "NONE:" }, byDefault, ["server.tls.ciphers"]],
    ];
  it.each(cases)("%s", (_name, data, settings, problems) => {
    const read = tlsSettings(data);
    expect(read.settings).toEqual(settings);
    expect(read.problems.map(({ key }) => key)).toEqual(problems);
  });

  it("takes ciphers by the names that Go has for them, and keeps those of TLS 1.3", () => {
    const { settings, problems } = tlsSettings({
      "server.tls.ciphers": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:TLS_NO_SUCH",
    });
    expect(problems.map(({ value }) => value)).toEqual(["TLS_NO_SUCH"]);
    expect(settings.ciphers).toMatch(/^TLS_AES_256_GCM_SHA384:.*:TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384$/);
  });
});

it("reads server.insecure only where it is true or false", () => {
  const said = ["true", "False", "?"].map((text) => insecureOf({ "server.insecure": text }));
  expect([insecureOf({}), ...said]).toEqual([undefined, true, false, undefined]);
});
