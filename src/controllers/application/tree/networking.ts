// What the tree tells of an object's part in the network: whom it sends to, under which addresses it answers, which links
// its annotations give. Pure. Names and semantics follow Argo CD's ResourceNetworkingInfo and "Add external URL".
import { at, isObject, listAt, stringAt } from "#base/json.ts";
import { gvkOf, type KubernetesObject } from "#model/object.ts";
import type { NetworkingInfo, ResourceRef as AnyRef } from "#protocol/rest.ts";

type ResourceRef = Omit<AnyRef, "version">;

const linkPrefix = "link.argocd.argoproj.io/";
const ignoreDefaultLinks = "argocd.argoproj.io/ignore-default-links";

/** Takes an object as it lives; undefined where there is nothing to tell. */
export function networkingOf(object: KubernetesObject): NetworkingInfo | undefined {
  const info = { ...partOf(object), ...listed("externalURLs", externalUrlsOf(object)) };
  return Object.keys(info).length > 0 ? info : undefined;
}

/** Addresses under which an Ingress answers, and the links of any object's annotations: a URL, or `title|URL`. */
export function externalUrlsOf(object: KubernetesObject): readonly string[] {
  const annotations = Object.entries(object.metadata.annotations ?? {});
  const links = annotations
    .filter(([name, value]) => name.startsWith(linkPrefix) && isUrl(value.slice(value.indexOf("|") + 1)))
    .map(([, value]) => value);
  const ignored = /^(1|t|true)$/i.test(object.metadata.annotations?.[ignoreDefaultLinks] ?? "");
  return [...new Set([...links, ...(isIngress(object) && !ignored ? ingressUrls(object) : [])])];
}

/** A link is clicked by whoever is logged in: it may not be a script. */
function isUrl(text: string): boolean {
  return URL.canParse(text) && /^(https?|ftp|mailto|ssh|git):/i.test(text);
}

function isIngress(object: KubernetesObject): boolean {
  const { group: of, kind } = gvkOf(object);
  return kind === "Ingress" && (of === "networking.k8s.io" || of === "extensions");
}

function ingressUrls(ingress: KubernetesObject): readonly string[] {
  const tls = listAt(ingress, "spec", "tls");
  const secure = (host: string): boolean =>
    tls.some((entry) => stringAt(entry, "secretName") !== undefined || listAt(entry, "hosts").includes(host));
  const balancer = addressesOf(ingress)
    .map(({ hostname, ip }) => hostname ?? ip)
    .find((address) => address !== undefined);
  return listAt(ingress, "spec", "rules").flatMap((rule) => {
    const host = stringAt(rule, "host") || balancer;
    if (!host) return [];
    return listAt(rule, "http", "paths").map(
      (path) => `${secure(host) ? "https" : "http"}://${host}${(stringAt(path, "path") ?? "").replace(/\*$/, "")}`,
    );
  });
}

function partOf(object: KubernetesObject): NetworkingInfo {
  const { group: of, kind } = gvkOf(object);
  if (isIngress(object))
    return { ...listed("targetRefs", backendsOf(object)), ...listed("ingress", addressesOf(object)) };
  switch (`${of}/${kind}`) {
    case "/Pod":
      return labelled("labels", object.metadata.labels);
    case "/Service": {
      const balanced = stringAt(object, "spec", "type") === "LoadBalancer";
      return {
        ...labelled("targetLabels", at(object, "spec", "selector")),
        ...listed("ingress", balanced ? addressesOf(object) : []),
      };
    }
    case "networking.istio.io/VirtualService":
      return listed("targetRefs", routesOf(object));
    case "networking.istio.io/ServiceEntry": {
      const labels = labelled("targetLabels", at(object, "spec", "workloadSelector", "labels"));
      return labels.targetLabels ? { ...labels, targetRefs: [{ kind: "Pod", name: "" }] } : {};
    }
    default:
      return {};
  }
}

function backendsOf(ingress: KubernetesObject): readonly ResourceRef[] {
  const backends = [
    at(ingress, "spec", "defaultBackend"),
    at(ingress, "spec", "backend"),
    ...listAt(ingress, "spec", "rules").flatMap((rule) =>
      listAt(rule, "http", "paths").map((path) => at(path, "backend")),
    ),
  ];
  const names = backends.flatMap(
    (backend) => stringAt(backend, "service", "name") ?? stringAt(backend, "serviceName") ?? [],
  );
  return servicesOf(names.map((name) => [name, ingress.metadata.namespace] as const));
}

/** Hosts are `NAME` or `NAME.NAMESPACE…`. */
function routesOf(service: KubernetesObject): readonly ResourceRef[] {
  const hosts = listAt(service, "spec", "http").flatMap((rule) =>
    listAt(rule, "route").flatMap((route) => stringAt(route, "destination", "host") ?? []),
  );
  return servicesOf(
    hosts.map((host) => {
      const [name = "", namespace = service.metadata.namespace] = host.split(".");
      return [name, namespace] as const;
    }),
  );
}

function servicesOf(
  named: readonly (readonly [name: string, namespace: string | undefined])[],
): readonly ResourceRef[] {
  const byText = new Map(named.map(([name, namespace]) => [`${namespace}/${name}`, { name, namespace }]));
  return [...byText.values()].map(({ name, namespace }) => ({
    kind: "Service",
    ...(namespace ? { namespace } : {}),
    name,
  }));
}

interface Address {
  readonly hostname?: string;
  readonly ip?: string;
}

function addressesOf(object: KubernetesObject): readonly Address[] {
  return listAt(object, "status", "loadBalancer", "ingress").flatMap((entry): Address[] => {
    const [hostname, ip] = [stringAt(entry, "hostname"), stringAt(entry, "ip")];
    return hostname ? [{ hostname }] : ip ? [{ ip }] : [];
  });
}

function listed<K extends string, T>(key: K, items: readonly T[]): { readonly [key in K]?: readonly T[] } {
  return items.length > 0 ? ({ [key]: items } as { readonly [key in K]: readonly T[] }) : {};
}

function labelled<K extends string>(
  key: K,
  labels: unknown,
): { readonly [key in K]?: Readonly<Record<string, string>> } {
  if (!isObject(labels) || Object.keys(labels).length === 0) return {};
  return { [key]: labels } as unknown as { readonly [key in K]: Readonly<Record<string, string>> };
}
