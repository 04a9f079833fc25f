import { expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { createClient } from "./client.ts";
import { anonymous } from "./connection.ts";
import { withoutSecretValues } from "./secret-refusals.ts";
import { fixedRandom, operation, quickClock, refuse, startFakeServer } from "./testing/fake-server.ts";
import type { ResourcePath } from "./types.ts";

const secrets = { group: "", plural: "secrets" };
const refused = (message: string): DriftlessError =>
  new DriftlessError("KUBERNETES_REFUSED", message, { details: { status: 422, reason: "Invalid" } });
const body = { data: { a: btoa("canary-data"), empty: "", n: null }, stringData: { b: 'canary "text"', c: "ok" } };

it.for([
  ["as it was sent", `data.a: ${btoa("canary-data")} is refused`, "data.a: ******** is refused"],
  ["decoded", "policy: canary-data is refused", "policy: ******** is refused"],
  ["of stringData", 'policy: canary "text" is refused', "policy: ******** is refused"],
  ["of stringData, as the server keeps it", `policy: ${btoa('canary "text"')}`, "policy: ********"],
  ["in JSON", `denied: {"stringData":{"b":"canary \\"text\\""}}`, `denied: {"stringData":{"b":"********"}}`],
  ["nowhere", "Secret is immutable; ok", "Secret is immutable; ok"],
] as const)("takes the values of a Secret out of a refusal: %s", ([, said, shown]) => {
  expect(withoutSecretValues(refused(said), secrets, body)).toMatchObject({
    code: "KUBERNETES_REFUSED",
    message: shown,
    details: { status: 422, reason: "Invalid" },
  });
});

it("takes out what a patch sets", () => {
  const patch = [
    { op: "replace", path: "/data/a", value: btoa("canary-data") },
    { op: "add", path: "/stringData", value: { b: "canary-more" } },
  ];
  const said = refused(`canary-data, ${btoa("canary-data")}, canary-more`);
  expect((withoutSecretValues(said, secrets, patch) as DriftlessError).message).toBe("********, ********, ********");
});

it("leaves other kinds, other errors and odd bodies alone", () => {
  const said = refused("canary-data");
  expect(withoutSecretValues(said, { group: "", plural: "configmaps" }, body)).toBe(said);
  expect(withoutSecretValues(said, { group: "example.com", plural: "secrets" }, body)).toBe(said);
  for (const odd of [undefined, null, 7, { data: "canary-data-2" }, { data: { a: 7 } }, [null]])
    expect(withoutSecretValues(said, secrets, odd)).toBe(said);
  const other = new Error("canary-data");
  expect(withoutSecretValues(other, secrets, body)).toBe(other);
});

it("is done to every write of a Secret", async () => {
  const type: ResourcePath = { group: "", version: "v1", plural: "secrets", namespaced: true };
  const server = await startFakeServer((_request, response) => refuse(response, 422, "Invalid", "denied: canary-data"));
  const options = { clock: quickClock, random: fixedRandom, userAgent: "test" };
  const client = createClient({ name: "fake", server: server.url, tls: {}, auth: anonymous }, options);
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "a", namespace: "b" }, ...body };
  const ref = { name: "a", namespace: "b" };
  const writes = [
    client.create(operation(), type, secret),
    client.replace(operation(), type, secret),
    client.patch(operation(), type, ref, { type: "apply", body: secret }),
    client.patch(operation(), type, ref, {
      type: "json",
      body: [{ op: "add", path: "/stringData/a", value: "canary-data" }],
    }),
  ];
  const said = await Promise.all(writes.map((write) => write.then(String, (thrown: DriftlessError) => thrown.message)));
  await client.close();
  await server.close();
  expect(said).toEqual(writes.map(() => "denied: ********"));
});
