// Services, Ingresses, NetworkPolicies, EndpointSlices.
import { isObject, listAt, sameJson, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { fieldsAt } from "../edit.ts";
import type { Fields } from "../edit.ts";
import type { Faults } from "./faults.ts";
import { validateLabels, validateSelector } from "./selectors.ts";
import { dnsLabel, dnsSubdomain, isAddress, isCidr, isPort, portNumberOrName } from "./words.ts";

const protocols = ["SCTP", "TCP", "UDP"];

export function service(faults: Faults, object: KubernetesObject, old?: KubernetesObject): void {
  const spec = fieldsAt(object, "spec");
  const { type } = spec;
  const headless = spec.clusterIP === "None";
  const ports = listAt(spec, "ports");
  if (ports.length === 0 && !headless && type !== "ExternalName") faults.required("spec.ports");
  if (type === "ExternalName") {
    const name = stringAt(spec, "externalName") ?? "";
    if (name === "") faults.required("spec.externalName");
    else faults.words("spec.externalName", name, dnsSubdomain(name));
  }
  if (type === "LoadBalancer" && headless)
    faults.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for LoadBalancer services");
  if (type === "NodePort" && headless)
    faults.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for NodePort services");
  servicePorts(faults, ports, type);
  validateLabels(faults, "spec.selector", spec.selector);
  faults.oneOf("spec.sessionAffinity", spec.sessionAffinity, ["ClientIP", "None"]);
  faults.oneOf("spec.type", type, ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
  const address = stringAt(spec, "clusterIP") ?? "";
  if (address !== "" && !headless && type !== "ExternalName")
    faults.words("spec.clusterIPs[0]", address, isAddress(address));
  for (const [index, item] of listAt(spec, "externalIPs").entries()) {
    faults.words(`spec.externalIPs[${index}]`, item, isAddress(item as string));
  }
  const { externalTrafficPolicy: policy } = spec;
  if (
    policy !== undefined &&
    type !== "LoadBalancer" &&
    type !== "NodePort" &&
    listAt(spec, "externalIPs").length === 0
  ) {
    faults.invalid("spec.externalTrafficPolicy", policy, "may only be set for externally-accessible services");
  } else faults.oneOf("spec.externalTrafficPolicy", policy, ["Cluster", "Local"]);
  faults.oneOf("spec.internalTrafficPolicy", spec.internalTrafficPolicy, ["Cluster", "Local"]);
  const before = fieldsAt(old, "spec");
  if (
    typeof before.clusterIP === "string" &&
    before.clusterIP !== "" &&
    type !== "ExternalName" &&
    before.type !== "ExternalName"
  ) {
    if (address !== before.clusterIP)
      faults.invalid("spec.clusterIPs[0]", spec.clusterIPs ?? [address], "may not change once set");
  } else if (faults.list.length === 0 && type !== "ExternalName") clusterAddress(faults, spec, address);
}

/** Addresses are given out of 10.96.0.0/12. As the API server does, asks only once nothing else is wrong. */
function clusterAddress(faults: Faults, spec: Fields, address: string): void {
  if (address === "" || address === "None") return;
  const [first, second] = address.split(".").map(Number);
  if (first === 10 && second !== undefined && second >= 96 && second < 112) return;
  const why = `failed to allocate IP ${address}: the provided network does not match the current range`;
  faults.invalid("spec.clusterIPs", spec.clusterIPs ?? [address], why);
}

function servicePorts(faults: Faults, ports: readonly unknown[], type: unknown): void {
  const names = new Set<unknown>();
  const numbers = new Set<string>();
  for (const [index, item] of ports.entries()) {
    const { name, port, targetPort, protocol, nodePort } = fieldsAt(item);
    const at = `spec.ports[${index}]`;
    if (typeof name !== "string" || name === "") {
      if (ports.length > 1) faults.required(`${at}.name`);
    } else {
      faults.words(`${at}.name`, name, dnsLabel(name));
      if (names.has(name)) faults.duplicate(`${at}.name`, name);
      names.add(name);
    }
    faults.words(`${at}.port`, port, isPort(port));
    faults.oneOf(`${at}.protocol`, protocol, protocols);
    faults.words(`${at}.targetPort`, targetPort, portNumberOrName(targetPort));
    if (typeof nodePort === "number" && nodePort !== 0 && type !== "NodePort" && type !== "LoadBalancer") {
      faults.forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${type as string}'`);
    }
    const key = `${protocol as string}/${port as number}`;
    if (numbers.has(key)) faults.duplicate(at, item);
    numbers.add(key);
  }
}

export function ingress(faults: Faults, object: KubernetesObject): void {
  const spec = fieldsAt(object, "spec");
  const rules = listAt(spec, "rules");
  if (rules.length === 0 && !isObject(spec.defaultBackend)) {
    faults.invalid("spec", null, "either `defaultBackend` or `rules` must be specified");
  }
  if (isObject(spec.defaultBackend)) backend(faults, "spec.defaultBackend", spec.defaultBackend);
  for (const [index, rule] of rules.entries()) {
    const at = `spec.rules[${index}]`;
    const host = stringAt(rule, "host") ?? "";
    if (host !== "") ingressHost(faults, `${at}.host`, host);
    const { http } = fieldsAt(rule);
    if (!isObject(http)) continue;
    const paths = listAt(http, "paths");
    if (paths.length === 0) faults.required(`${at}.http.paths`);
    for (const [number, path] of paths.entries()) ingressPath(faults, `${at}.http.paths[${number}]`, fieldsAt(path));
  }
  for (const [index, item] of listAt(spec, "tls").entries()) {
    for (const [number, host] of listAt(item, "hosts").entries()) {
      faults.words(`spec.tls[${index}].hosts[${number}]`, host, dnsSubdomain((host as string).replace(/^\*\./, "")));
    }
  }
  const name = stringAt(spec, "ingressClassName");
  if (name !== undefined) faults.words("spec.ingressClassName", name, dnsSubdomain(name));
}

function ingressHost(faults: Faults, path: string, host: string): void {
  if (isAddress(host) === undefined) faults.invalid(path, host, "must be a DNS name, not an IP address");
  else faults.words(path, host, dnsSubdomain(host.replace(/^\*\./, "")));
}

function ingressPath(faults: Faults, at: string, item: Fields): void {
  const path = stringAt(item, "path") ?? "";
  const { pathType } = item;
  if (pathType === undefined || pathType === null) {
    // The API server looks no further, not even at the backend.
    faults.required(`${at}.pathType`, "pathType must be specified");
    return;
  }
  if (pathType === "Exact" || pathType === "Prefix") {
    if (!path.startsWith("/")) faults.invalid(`${at}.path`, path, "must be an absolute path");
    for (const part of ["//", "/./", "/../", "%2f", "%2F"]) {
      if (path.includes(part)) faults.invalid(`${at}.path`, path, `must not contain '${part}'`);
    }
    for (const end of ["/..", "/."])
      if (path.endsWith(end)) faults.invalid(`${at}.path`, path, `cannot end with '${end}'`);
  } else if (pathType === "ImplementationSpecific") {
    if (path !== "" && !path.startsWith("/")) faults.invalid(`${at}.path`, path, "must be an absolute path");
  } else faults.unsupported(`${at}.pathType`, pathType, ["Exact", "ImplementationSpecific", "Prefix"]);
  backend(faults, `${at}.backend`, fieldsAt(item, "backend"));
}

function backend(faults: Faults, path: string, value: Fields): void {
  const { service: target, resource } = value;
  if (isObject(resource) && isObject(target)) faults.invalid(path, "", "cannot set both resource and service backends");
  else if (isObject(resource)) return;
  else if (!isObject(target)) faults.invalid(path, "", "resource or service backend is required");
  else {
    const name = stringAt(target, "name") ?? "";
    if (name === "") faults.required(`${path}.service.name`);
    const { name: portName, number } = fieldsAt(target, "port");
    const named = typeof portName === "string" && portName !== "";
    const numbered = typeof number === "number" && number !== 0;
    if (named && numbered) faults.invalid(path, "", "cannot set both port name & port number");
    else if (!named && !numbered) faults.required(path, "port name or number is required");
    else if (numbered) faults.words(`${path}.service.port.number`, number, isPort(number));
    else faults.words(`${path}.service.port.name`, portName, portNumberOrName(portName));
  }
}

export function networkPolicy(faults: Faults, object: KubernetesObject): void {
  const spec = fieldsAt(object, "spec");
  if (isObject(spec.podSelector)) validateSelector(faults, "spec.podSelector", spec.podSelector);
  for (const [direction, peers] of [
    ["ingress", "from"],
    ["egress", "to"],
  ] as const) {
    for (const [index, rule] of listAt(spec, direction).entries()) {
      const at = `spec.${direction}[${index}]`;
      for (const [number, port] of listAt(rule, "ports").entries())
        policyPort(faults, `${at}.ports[${number}]`, fieldsAt(port));
      for (const [number, peer] of listAt(rule, peers).entries())
        policyPeer(faults, `${at}.${peers}[${number}]`, fieldsAt(peer));
    }
  }
  for (const [index, type] of listAt(spec, "policyTypes").entries()) {
    faults.oneOf(`spec.policyTypes[${index}]`, type, ["Ingress", "Egress"]);
  }
}

function policyPort(faults: Faults, path: string, { port, protocol }: Fields): void {
  faults.oneOf(`${path}.protocol`, protocol, ["TCP", "UDP", "SCTP"]);
  if (port !== undefined && port !== null) faults.words(`${path}.port`, port, portNumberOrName(port));
}

function policyPeer(faults: Faults, path: string, { podSelector, namespaceSelector, ipBlock }: Fields): void {
  for (const [name, selector] of Object.entries({ podSelector, namespaceSelector })) {
    if (isObject(selector)) validateSelector(faults, `${path}.${name}`, selector);
  }
  const selects = isObject(podSelector) || isObject(namespaceSelector);
  if (isObject(ipBlock)) {
    const cidr = stringAt(ipBlock, "cidr") ?? "";
    if (cidr === "") faults.required(`${path}.ipBlock.cidr`);
    else faults.words(`${path}.ipBlock.cidr`, cidr, isCidr(cidr));
    if (selects) faults.forbidden(path, "may not specify both ipBlock and another peer");
  } else if (!selects) faults.required(path, "must specify a peer");
}

export function endpointSlice(faults: Faults, object: KubernetesObject, old?: KubernetesObject): void {
  const { addressType } = object;
  if (typeof addressType !== "string" || addressType === "") faults.required("addressType");
  else faults.oneOf("addressType", addressType, ["FQDN", "IPv4", "IPv6"]);
  for (const [index, endpoint] of listAt(object, "endpoints").entries()) {
    const addresses = listAt(endpoint, "addresses");
    if (addresses.length === 0) faults.required(`endpoints[${index}].addresses`, "must contain at least 1 address");
    if (addressType !== "IPv4" && addressType !== "IPv6") continue;
    for (const [number, address] of addresses.entries()) {
      faults.words(`endpoints[${index}].addresses[${number}]`, address, isAddress(address as string));
    }
  }
  if (old !== undefined && !sameJson(addressType, old.addressType))
    faults.invalid("addressType", addressType, "field is immutable");
}
