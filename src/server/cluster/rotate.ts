// A new bearer token for the service account that a cluster is reached by: made on the cluster itself, as a Secret that
// its token controller fills. The one before it is removed when the new one works. Follows Argo CD's `cluster rotate-auth`.
import { decodeJwt } from "jose";
import { DriftlessError } from "#base/errors.ts";
import { at, stringAt } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import { decodeBase64 } from "#model/repository.ts";

const secretType: ResourcePath = { group: "", version: "v1", plural: "secrets", namespaced: true };
const filledWithinMs = 10_000;
const pollMs = 100;

export interface RotatedToken {
  readonly token: string;
  /** Removes the Secret of the token before, through a client with the new one: the other is closed by then. */
  retire(op: Op, renewed: KubeClient): Promise<void>;
}

/** Takes a cluster's client and its present token; returns another. Errors: FAILED_PRECONDITION, those of the cluster. */
export async function rotateToken(
  op: Op,
  client: KubeClient,
  options: { readonly bearerToken: string; readonly clock: Clock; readonly suffix: string },
): Promise<RotatedToken> {
  const { bearerToken, clock, suffix } = options;
  const claims = claimsOf(bearerToken);
  const { namespace, account } = claims;
  const name = `${account}-token-${suffix}`;
  await client.create(
    op,
    secretType,
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace, annotations: { "kubernetes.io/service-account.name": account } },
      type: "kubernetes.io/service-account-token",
    },
    { fieldManager: "driftless" },
  );
  const until = clock.monotonic() + filledWithinMs;
  for (;;) {
    const made = await client.get(op, secretType, { namespace, name });
    const token = decodeBase64(stringAt(made, "data", "token") ?? "");
    if (token) {
      return {
        token,
        retire: async (inner, renewed) => {
          if (claims.secret) await renewed.delete(inner, secretType, { namespace, name: claims.secret });
        },
      };
    }
    if (clock.monotonic() > until) {
      await client.delete(op, secretType, { namespace, name });
      throw new DriftlessError(
        "FAILED_PRECONDITION",
        `the cluster made no token for service account ${namespace}/${account} within ${filledWithinMs / 1000} s`,
      );
    }
    await new Promise<void>((resolve) => clock.after(pollMs, resolve));
    op.signal.throwIfAborted();
  }
}

function claimsOf(token: string): { namespace: string; account: string; secret: string | undefined } {
  let payload: unknown;
  try {
    payload = decodeJwt(token);
  } catch {
    payload = undefined;
  }
  const legacy = (part: string): string | undefined => {
    const value = at(payload, `kubernetes.io/serviceaccount/${part}`);
    return typeof value === "string" ? value : undefined;
  };
  const namespace = legacy("namespace") ?? stringAt(payload, "kubernetes.io", "namespace");
  const account = legacy("service-account.name") ?? stringAt(payload, "kubernetes.io", "serviceaccount", "name");
  if (!namespace || !account)
    throw new DriftlessError(
      "FAILED_PRECONDITION",
      "the cluster is not reached by a service account's token: only those can be rotated",
    );
  return { namespace, account, secret: legacy("secret.name") ?? stringAt(payload, "kubernetes.io", "secret", "name") };
}
