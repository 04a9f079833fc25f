import { expect, it } from "vitest";
import { parseClusterSecret } from "#kube/clusters.ts";
import { clusterSecret, shownSpec } from "./secrets.ts";

it("a cluster's answer holds nothing of what lets one in, also not what kubectl noted of the Secret", () => {
  const canary = (name: string): string => `canary-${name}`;
  const secret = clusterSecret(
    {
      server: "https://prod.example.com",
      name: "prod",
      annotations: {
        team: "blue",
        "kubectl.kubernetes.io/last-applied-configuration": `{"stringData":{"config":"${canary("applied")}"}}`,
      },
      config: {
        username: "u",
        password: canary("password"),
        bearerToken: canary("token"),
        tlsClientConfig: { certData: btoa(canary("cert")), keyData: btoa(canary("key")) },
        execProviderConfig: {
          command: "get-token",
          args: [canary("argument")],
          env: { TOKEN: canary("environment") },
          apiVersion: "client.authentication.k8s.io/v1",
        },
      },
    },
    "argocd",
  );

  const shown = JSON.stringify(shownSpec(parseClusterSecret(secret)));

  expect(shown).toContain('"annotations":{"team":"blue"}');
  expect(shown).not.toContain("canary");
  expect(shown).not.toContain(btoa("canary").replace(/=+$/, ""));
});

it("a cluster's address speaks for nobody", () => {
  const server = "https://me:canary@prod.example.com";
  expect(() => clusterSecret({ server, name: "prod" }, "argocd")).toThrow("server holds a user or a password");
  const data = { server: btoa(server), name: btoa("prod"), config: btoa("{}") };
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "c", namespace: "argocd" }, data };
  expect(JSON.stringify(shownSpec(parseClusterSecret(secret)))).not.toContain("canary");
});
