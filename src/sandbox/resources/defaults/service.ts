// Services: defaults, and the addresses and node ports that the API server allocates. Addresses come from
// 10.96.0.0/12's first /16 and node ports from 30000-32767; what is taken is read from the Services that exist.
import { isObject } from "#base/json.ts";
import type { PrepareContext } from "../../contract.ts";
import { fieldsAt, inField, inItems, withDefaults, withField } from "../edit.ts";
import type { Fields } from "../edit.ts";

const serviceKind = { group: "", kind: "Service" };
const firstNodePort = 30000;
const nodePorts = 2768;
/** 10.96.0.0; .0.1 to .0.10 stay free for the API server and DNS. */
const network = [10, 96] as const;
const firstAddress = 11;
const addresses = 65_534;

/** Defaults and allocates; on update keeps what the stored Service has, as far as its type still has it. */
export function prepareService(object: Fields, context: PrepareContext): Fields {
  const spec = inField(object, "spec", (value) => serviceSpec(value, context));
  const withStatus = context.operation === "create" ? withField(spec, "status", { loadBalancer: {} }) : spec;
  return withStatus;
}

function serviceSpec(given: Fields, context: PrepareContext): Fields {
  const old = fieldsAt(context.old, "spec");
  let spec = withoutLeftovers(withDefaults(given, { type: "ClusterIP", sessionAffinity: "None" }), old);
  if (spec.sessionAffinity === "ClientIP") {
    spec = withDefaults(spec, { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } });
  }
  spec = inItems(spec, "ports", (port) => withDefaults(port, { protocol: "TCP", targetPort: port.port }));
  if (spec.type === "ExternalName") return externalName(spec);
  spec = withDefaults(spec, { internalTrafficPolicy: "Cluster" });
  if (spec.type === "LoadBalancer" || spec.type === "NodePort")
    spec = withDefaults(spec, { externalTrafficPolicy: "Cluster" });
  if (spec.type === "LoadBalancer") spec = withDefaults(spec, { allocateLoadBalancerNodePorts: true });
  spec = clusterIp(spec, old, context);
  spec = withNodePorts(spec, old, context);
  if (spec.type !== "LoadBalancer" || spec.externalTrafficPolicy !== "Local") return spec;
  return withDefaults(spec, {
    healthCheckNodePort: old.healthCheckNodePort ?? freeNodePort(takenNodePorts(context), 0),
  });
}

const balanced = (type: unknown): boolean => type === "LoadBalancer";
const external = (type: unknown): boolean => type === "NodePort" || balanced(type);
const internal = (type: unknown): boolean => type !== "ExternalName";
/** Fields that only some types have. */
const typed: Readonly<Record<string, (type: unknown) => boolean>> = {
  internalTrafficPolicy: internal,
  externalTrafficPolicy: external,
  allocateLoadBalancerNodePorts: balanced,
  loadBalancerClass: balanced,
  healthCheckNodePort: balanced,
};

/** Where an update changes the type, what the former type needed and the new one does not goes, if it is unchanged. */
function withoutLeftovers(spec: Fields, old: Fields): Fields {
  if (old.type === undefined || old.type === spec.type) return spec;
  let current = spec;
  for (const [key, applies] of Object.entries(typed)) {
    if (applies(old.type) && !applies(spec.type) && spec[key] === old[key])
      current = withField(current, key, undefined);
  }
  return current;
}

/** An ExternalName has no addresses. */
function externalName(spec: Fields): Fields {
  let current = spec;
  for (const key of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"])
    current = withField(current, key, undefined);
  return current;
}

function clusterIp(given: Fields, old: Fields, context: PrepareContext): Fields {
  let spec = given;
  const kept = typeof old.clusterIP === "string" && old.clusterIP !== "" ? old : undefined;
  if ((spec.clusterIP === undefined || spec.clusterIP === "") && kept !== undefined) {
    spec = { ...spec, clusterIP: kept.clusterIP, clusterIPs: kept.clusterIPs };
  }
  const headless = spec.clusterIP === "None";
  if (spec.clusterIP === undefined || spec.clusterIP === "") {
    spec = { ...spec, clusterIP: freeAddress(context) };
  }
  spec = withDefaults(spec, { clusterIPs: [spec.clusterIP] });
  const withoutSelector = headless && Object.keys(fieldsAt(spec, "selector")).length === 0;
  return withDefaults(spec, {
    ipFamilies: withoutSelector ? ["IPv4", "IPv6"] : ["IPv4"],
    ipFamilyPolicy: withoutSelector ? "RequireDualStack" : "SingleStack",
  });
}

function freeAddress(context: PrepareContext): string {
  const taken = new Set<unknown>();
  for (const service of context.reader.list(serviceKind)) taken.add(fieldsAt(service, "spec").clusterIP);
  for (let i = firstAddress; i < addresses; i++) {
    const address = `${network[0]}.${network[1]}.${i >> 8}.${i & 255}`;
    if (!taken.has(address)) return address;
  }
  return "None";
}

function withNodePorts(spec: Fields, old: Fields, context: PrepareContext): Fields {
  const wanted =
    spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
  const ports = Array.isArray(spec.ports) ? (spec.ports as unknown[]) : [];
  if (!wanted) {
    if (spec.type === "LoadBalancer") return spec;
    // A NodePort that became a ClusterIP gives back the ports that it was given, and keeps none.
    const before = new Set(
      (Array.isArray(old.ports) ? (old.ports as unknown[]) : []).map((port) => fieldsAt(port).nodePort),
    );
    return inItems(spec, "ports", (port) =>
      port.nodePort !== undefined && before.has(port.nodePort) ? withField(port, "nodePort", undefined) : port,
    );
  }
  if (ports.every((port) => isObject(port) && typeof port.nodePort === "number" && port.nodePort !== 0)) return spec;
  const oldPorts = (Array.isArray(old.ports) ? (old.ports as unknown[]) : []).map((port) => fieldsAt(port));
  const taken = takenNodePorts(context);
  for (const port of ports) taken.add(fieldsAt(port).nodePort);
  return inItems(spec, "ports", (port) => {
    if (typeof port.nodePort === "number" && port.nodePort !== 0) return port;
    const kept = oldPorts.find(
      (other) => other.port === port.port && (other.protocol ?? "TCP") === port.protocol,
    )?.nodePort;
    const number = typeof kept === "number" && kept !== 0 ? kept : freeNodePort(taken, port.port);
    taken.add(number);
    return withField(port, "nodePort", number);
  });
}

function takenNodePorts(context: PrepareContext): Set<unknown> {
  const taken = new Set<unknown>();
  for (const service of context.reader.list(serviceKind)) {
    const ports = fieldsAt(service, "spec").ports;
    if (Array.isArray(ports)) for (const port of ports) taken.add(fieldsAt(port).nodePort);
    taken.add(fieldsAt(service, "spec").healthCheckNodePort);
  }
  return taken;
}

/** Spread by the port's number, so that ports differ without randomness. */
function freeNodePort(taken: ReadonlySet<unknown>, port: unknown): number {
  const start = typeof port === "number" ? (port * 7) % nodePorts : 0;
  for (let i = 0; i < nodePorts; i++) {
    const candidate = firstNodePort + ((start + i) % nodePorts);
    if (!taken.has(candidate)) return candidate;
  }
  return firstNodePort;
}
