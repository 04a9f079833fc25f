// The CertificateService of the protocol: which servers of repositories are trusted. Names and semantics follow Argo CD's
// CertificateService.
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import { CertificateService } from "#protocol/gen/argoproj/certificate_pb.js";
import { denied, type Rbac } from "../auth/rbac.ts";
import { changeConfigMap, readConfigMap, type ConfigMapDeps } from "../config-maps.ts";
import { bind, session, type BoundService, type Call } from "../rpc/service.ts";
import {
  certificatesMatching,
  certificatesOf,
  listed,
  withHostKey,
  withoutHostKeys,
  type CertificateQuery,
  type RepositoryCertificate,
} from "./certificates.ts";

export interface CertificateApiDeps extends ConfigMapDeps {
  readonly rbac: Rbac;
}

const knownHostsMap = "argocd-ssh-known-hosts-cm";
const knownHostsKey = "ssh_known_hosts";
const certificatesMap = "argocd-tls-certs-cm";

export function certificateApi(deps: CertificateApiDeps): BoundService {
  const on =
    (action: "get" | "create" | "delete") =>
    (call: Call): void => {
      session(call);
      if (!deps.rbac.may(call.account, "certificates", action, ""))
        throw denied(call.account, ["certificates", action]);
    };
  return bind(CertificateService, {
    listCertificates: {
      access: on("get"),
      handle: async ({ op }, query) => {
        const [hosts, certificates] = await Promise.all([
          readConfigMap(op, deps, knownHostsMap),
          readConfigMap(op, deps, certificatesMap),
        ]);
        return { metadata: {}, items: listed(hosts[knownHostsKey] ?? "", certificates, query) };
      },
    },
    createCertificate: {
      access: on("create"),
      handle: async ({ op }, { certificates, upsert }) => ({
        metadata: {},
        items: await create(op, deps, certificates?.items ?? [], upsert === true),
      }),
    },
    deleteCertificate: {
      access: on("delete"),
      handle: async ({ op }, query) => ({ metadata: {}, items: await remove(op, deps, query) }),
    },
  });
}

/** All that are valid together, or none. */
async function create(
  op: Op,
  deps: CertificateApiDeps,
  wanted: readonly RepositoryCertificate[],
  upsert: boolean,
): Promise<readonly RepositoryCertificate[]> {
  const unknown = wanted.find(({ certType }) => certType !== "ssh" && certType !== "https");
  if (unknown)
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `unknown certificate type: ${JSON.stringify(unknown.certType ?? "")}`,
      {
        details: { field: "certType" },
      },
    );
  const hostKeys = wanted.filter(({ certType }) => certType === "ssh");
  const servers = wanted.filter(({ certType }) => certType === "https");
  // What is wrong with the certificates is told before the host keys are written.
  const known = await readConfigMap(op, deps, certificatesMap);
  for (const server of servers) certificatesOf(known[server.serverName ?? ""], server, upsert);
  let created: RepositoryCertificate[] = [];
  if (hostKeys.length > 0)
    await changeConfigMap(op, deps, knownHostsMap, (now) => {
      created = [];
      let text = now[knownHostsKey] ?? "";
      for (const each of hostKeys) {
        const result = withHostKey(text, each, upsert);
        text = result.text;
        if (result.created) created.push(result.created);
      }
      return created.length === 0 ? {} : { [knownHostsKey]: text };
    });
  const keys = created;
  if (servers.length > 0)
    await changeConfigMap(op, deps, certificatesMap, (now) => {
      created = [...keys];
      const changes: Record<string, string> = {};
      for (const each of servers) {
        const name = each.serverName ?? "";
        const result = certificatesOf(changes[name] ?? now[name], each, upsert);
        if (result.created.length > 0) changes[name] = result.text;
        created.push(...result.created);
      }
      return changes;
    });
  return created;
}

async function remove(
  op: Op,
  deps: CertificateApiDeps,
  query: CertificateQuery,
): Promise<readonly RepositoryCertificate[]> {
  let hostKeys: readonly RepositoryCertificate[] = [];
  await changeConfigMap(op, deps, knownHostsMap, (now) => {
    const { text, removed } = withoutHostKeys(now[knownHostsKey] ?? "", query);
    hostKeys = removed;
    return removed.length === 0 ? {} : { [knownHostsKey]: text };
  });
  let servers: Readonly<Record<string, readonly RepositoryCertificate[]>> = {};
  await changeConfigMap(op, deps, certificatesMap, (now) => {
    servers = certificatesMatching(now, query);
    return Object.fromEntries(Object.keys(servers).map((name) => [name, undefined]));
  });
  return [...hostKeys, ...Object.values(servers).flat()];
}
