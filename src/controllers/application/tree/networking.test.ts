import { expect, it } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import { externalUrlsOf, networkingOf } from "./networking.ts";

const object = (apiVersion: string, kind: string, more: Record<string, unknown>): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name: "web", namespace: "shop", ...(more["metadata"] as object | undefined) },
  ...Object.fromEntries(Object.entries(more).filter(([key]) => key !== "metadata")),
});
const ingress = (spec: object, more: Record<string, unknown> = {}): KubernetesObject =>
  object("networking.k8s.io/v1", "Ingress", { spec, ...more });
const path = (at: string, service: string): object => ({ path: at, backend: { service: { name: service } } });
const balancer = { status: { loadBalancer: { ingress: [{ hostname: "lb.example.com" }, { ip: "192.0.2.7" }] } } };
const service = (name: string, namespace = "shop"): object => ({ kind: "Service", namespace, name });

it.each<[string, KubernetesObject, object | undefined]>([
  ["a ConfigMap tells nothing", object("v1", "ConfigMap", {}), undefined],
  [
    "a Service: whom it selects",
    object("v1", "Service", { spec: { selector: { app: "web" } }, ...balancer }),
    { targetLabels: { app: "web" } },
  ],
  [
    "a balanced Service: where it answers too",
    object("v1", "Service", { spec: { type: "LoadBalancer", selector: { app: "web" } }, ...balancer }),
    { targetLabels: { app: "web" }, ingress: [{ hostname: "lb.example.com" }, { ip: "192.0.2.7" }] },
  ],
  ["a Pod: its labels", object("v1", "Pod", { metadata: { labels: { app: "web" } } }), { labels: { app: "web" } }],
  [
    "an Ingress: its Services, each once, its addresses, its URLs",
    ingress(
      {
        defaultBackend: { service: { name: "rest" } },
        tls: [{ hosts: ["shop.example.com"] }],
        rules: [
          { host: "shop.example.com", http: { paths: [path("/a*", "web"), path("/b", "web")] } },
          { host: "plain.example.com", http: { paths: [{ backend: { service: { name: "other" } } }] } },
          { host: "empty.example.com" },
        ],
      },
      balancer,
    ),
    {
      targetRefs: [service("rest"), service("web"), service("other")],
      ingress: [{ hostname: "lb.example.com" }, { ip: "192.0.2.7" }],
      externalURLs: ["https://shop.example.com/a", "https://shop.example.com/b", "http://plain.example.com"],
    },
  ],
  [
    "an old Ingress",
    object("extensions/v1beta1", "Ingress", {
      spec: { backend: { serviceName: "rest" }, rules: [{ host: "a.b", http: { paths: [{ path: "/" }] } }] },
    }),
    { targetRefs: [service("rest")], externalURLs: ["http://a.b/"] },
  ],
  [
    "a VirtualService: its hosts' Services",
    object("networking.istio.io/v1", "VirtualService", {
      spec: { http: [{ route: [{ destination: { host: "a.other.svc" } }, { destination: { host: "b" } }] }] },
    }),
    { targetRefs: [service("a", "other"), service("b")] },
  ],
  [
    "a ServiceEntry: the pods that it selects",
    object("networking.istio.io/v1", "ServiceEntry", { spec: { workloadSelector: { labels: { app: "x" } } } }),
    { targetLabels: { app: "x" }, targetRefs: [{ kind: "Pod", name: "" }] },
  ],
  ["malformed fields are passed over", ingress({ rules: "all", tls: 3 }), undefined],
])("%s", (_name, given, expected) => {
  expect(networkingOf(given)).toEqual(expected);
});

const rule = { rules: [{ host: "a.b", http: { paths: [path("/", "web")] } }] };
const link = (value: string): object => ({ annotations: { "link.argocd.argoproj.io/external-link": value } });

it.each<[string, KubernetesObject, readonly string[]]>([
  [
    "where no host is given, the balancer's",
    ingress({ rules: [{ http: { paths: [path("/x", "a")] } }] }, balancer),
    ["http://lb.example.com/x"],
  ],
  ["a secret makes it https", ingress({ ...rule, tls: [{ secretName: "s" }] }), ["https://a.b/"]],
  [
    "links of annotations stand first",
    ingress(rule, { metadata: link("https://c.d") }),
    ["https://c.d", "http://a.b/"],
  ],
  [
    "also of what is no Ingress, with a title",
    object("v1", "ConfigMap", { metadata: link("Docs|https://c.d") }),
    ["Docs|https://c.d"],
  ],
  ["a script is no link", object("v1", "ConfigMap", { metadata: link("Docs|javascript:alert(1)") }), []],
  ["nor is a word", object("v1", "ConfigMap", { metadata: link("docs") }), []],
  [
    "the Ingress's own may be left out",
    ingress(rule, {
      metadata: {
        annotations: { "argocd.argoproj.io/ignore-default-links": "true", "link.argocd.argoproj.io/x": "https://c.d" },
      },
    }),
    ["https://c.d"],
  ],
])("links: %s", (_name, given, expected) => {
  expect(externalUrlsOf(given)).toEqual(expected);
});
