import { expect, test } from "vitest";
import { serviceAccountFor } from "./impersonation.ts";

const here = "https://kubernetes.default.svc";
const accounts = (...entries: [server: string, namespace: string, account: string][]) => ({
  destinationServiceAccounts: entries.map(([server, namespace, defaultServiceAccount]) => ({
    server,
    namespace,
    defaultServiceAccount,
  })),
});
const to = (namespace: string, server = here) => ({ server, namespace, applicationNamespace: "argocd" });

test.each([
  ["the exact destination", accounts([here, "shop", "deployer"]), to("shop"), "system:serviceaccount:shop:deployer"],
  [
    "an account of another namespace",
    accounts([here, "shop", "ops:deployer"]),
    to("shop"),
    "system:serviceaccount:ops:deployer",
  ],
  ["wildcards", accounts(["https://*", "sh*", "d"]), to("shop"), "system:serviceaccount:shop:d"],
  [
    "the first that matches",
    accounts([here, "x", "a"], [here, "*", "b"], [here, "shop", "c"]),
    to("shop"),
    "system:serviceaccount:shop:b",
  ],
  [
    "without a destination namespace the application's",
    accounts([here, "*", "d"]),
    to(""),
    "system:serviceaccount:argocd:d",
  ],
])("%s", (_name, project, destination, user) => {
  expect(serviceAccountFor(project, destination)).toEqual({ ok: true, value: user });
});

test.each([
  ["no entry", {}, to("shop"), `no matching service account found for destination server ${here} and namespace shop`],
  [
    "another namespace",
    accounts([here, "other", "d"]),
    to("shop"),
    `no matching service account found for destination server ${here} and namespace shop`,
  ],
  [
    "another server",
    accounts(["https://edge", "*", "d"]),
    to("shop"),
    `no matching service account found for destination server ${here} and namespace shop`,
  ],
  [
    "an account that is a pattern",
    accounts([here, "*", "d*"]),
    to("shop"),
    "default service account contains invalid chars 'd*'",
  ],
  ["an empty account", accounts([here, "*", " "]), to("shop"), "default service account contains invalid chars ' '"],
])("no account: %s", (_name, project, destination, error) => {
  expect(serviceAccountFor(project, destination)).toEqual({ ok: false, error });
});
