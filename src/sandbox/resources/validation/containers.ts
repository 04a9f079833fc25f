// Containers of a pod: names, images, ports, environment, probes, resources, mounts.
import { isObject, listAt, stringAt } from "#base/json.ts";
import { quantityNanos } from "#core/merge/quantity.ts";
import { fieldsAt } from "../edit.ts";
import type { Fields } from "../edit.ts";
import type { Faults } from "./faults.ts";
import { dnsLabel, envName, isPort, portNameFaults, portNumberOrName, qualifiedName } from "./words.ts";

const pullPolicies = ["Always", "IfNotPresent", "Never"];
const protocols = ["SCTP", "TCP", "UDP"];
const handlers = ["exec", "httpGet", "tcpSocket", "grpc"];
const sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
const standardResources = /^(cpu|memory|ephemeral-storage|storage|hugepages-.+|requests\..+|limits\..+)$/;
const containerResources = /^(cpu|memory|ephemeral-storage|hugepages-.+)$/;
const fieldPaths =
  /^(metadata\.(name|namespace|uid|labels|annotations)|metadata\.(labels|annotations)\['.+'\]|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs|phase))$/;

export interface PodNames {
  /** Names of the pod's volumes. */
  readonly volumes: ReadonlySet<unknown>;
  /** Containers seen so far. */
  readonly containers: Set<unknown>;
}

export function validateContainers(faults: Faults, path: string, list: readonly unknown[], names: PodNames): void {
  for (const [index, item] of list.entries()) {
    const container = fieldsAt(item);
    const at = `${path}[${index}]`;
    const name = stringAt(container, "name") ?? "";
    if (name === "") faults.required(`${at}.name`);
    else faults.words(`${at}.name`, name, dnsLabel(name));
    if (name !== "" && names.containers.has(name)) faults.duplicate(`${at}.name`, name);
    names.containers.add(name);
    const image = stringAt(container, "image") ?? "";
    if (image === "") faults.required(`${at}.image`);
    else if (image !== image.trim())
      faults.invalid(`${at}.image`, image, "must not have leading or trailing whitespace");
    faults.oneOf(`${at}.imagePullPolicy`, container.imagePullPolicy, pullPolicies);
    faults.oneOf(`${at}.terminationMessagePolicy`, container.terminationMessagePolicy, [
      "File",
      "FallbackToLogsOnError",
    ]);
    validatePorts(faults, `${at}.ports`, listAt(container, "ports"));
    validateEnv(faults, at, container);
    validateResources(faults, `${at}.resources`, fieldsAt(container, "resources"));
    validateMounts(faults, `${at}.volumeMounts`, listAt(container, "volumeMounts"), names.volumes);
    for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"]) {
      if (isObject(container[probe])) validateProbe(faults, `${at}.${probe}`, container[probe], probe);
    }
    for (const hook of ["postStart", "preStop"]) {
      const handler = fieldsAt(container, "lifecycle")[hook];
      if (isObject(handler))
        validateHandler(faults, `${at}.lifecycle.${hook}`, handler, [...handlers.slice(0, 3), "sleep"]);
    }
    validateSecurity(faults, `${at}.securityContext`, fieldsAt(container, "securityContext"));
  }
  validateHostPorts(faults, path, list);
}

function validatePorts(faults: Faults, path: string, ports: readonly unknown[]): void {
  const seen = new Set<unknown>();
  for (const [index, item] of ports.entries()) {
    const { name, containerPort, hostPort, protocol } = fieldsAt(item);
    const at = `${path}[${index}]`;
    if (typeof name === "string" && name !== "") {
      const wrong = portNameFaults(name);
      for (const words of wrong) faults.words(`${at}.name`, name, words);
      if (wrong.length === 0 && seen.has(name)) faults.duplicate(`${at}.name`, name);
      seen.add(name);
    }
    if (containerPort === undefined || containerPort === 0) faults.required(`${at}.containerPort`);
    else faults.words(`${at}.containerPort`, containerPort, isPort(containerPort));
    if (hostPort !== undefined && hostPort !== 0) faults.words(`${at}.hostPort`, hostPort, isPort(hostPort));
    if (protocol === "") faults.required(`${at}.protocol`);
    else faults.oneOf(`${at}.protocol`, protocol, protocols);
  }
}

function validateHostPorts(faults: Faults, path: string, list: readonly unknown[]): void {
  const seen = new Set<string>();
  for (const [index, container] of list.entries()) {
    for (const [number, item] of listAt(container, "ports").entries()) {
      const { hostPort, hostIP, protocol } = fieldsAt(item);
      if (typeof hostPort !== "number" || hostPort === 0) continue;
      const text = `${protocol as string}/${typeof hostIP === "string" ? hostIP : ""}/${hostPort}`;
      if (seen.has(text)) faults.duplicate(`${path}[${index}].ports[${number}].hostPort`, text);
      seen.add(text);
    }
  }
}

function validateEnv(faults: Faults, path: string, container: Fields): void {
  for (const [index, item] of listAt(container, "env").entries()) {
    const { name, value, valueFrom } = fieldsAt(item);
    const at = `${path}.env[${index}]`;
    if (typeof name !== "string" || name === "") faults.required(`${at}.name`);
    else faults.words(`${at}.name`, name, envName(name));
    if (isObject(valueFrom)) validateValueFrom(faults, `${at}.valueFrom`, valueFrom, value);
  }
  for (const [index, item] of listAt(container, "envFrom").entries()) {
    const { configMapRef, secretRef } = fieldsAt(item);
    const at = `${path}.envFrom`;
    if (isObject(configMapRef) && isObject(secretRef))
      faults.invalid(at, "", "may not have more than one field specified at a time");
    else if (!isObject(configMapRef) && !isObject(secretRef))
      faults.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`");
    for (const [key, reference] of Object.entries({ configMapRef, secretRef })) {
      if (isObject(reference) && !stringAt(reference, "name")) faults.required(`${at}[${index}].${key}.name`);
    }
  }
}

function validateValueFrom(faults: Faults, path: string, source: Fields, value: unknown): void {
  const given = sources.filter((name) => isObject(source[name]));
  if (given.length === 0) {
    faults.invalid(
      path,
      "",
      "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
    );
  } else if (typeof value === "string" && value !== "") {
    faults.invalid(path, "", "may not be specified when `value` is not empty");
  } else if (given.length > 1) faults.invalid(path, "", "may not have more than one field specified at a time");
  const fieldPath = stringAt(source, "fieldRef", "fieldPath");
  if (isObject(source.fieldRef)) {
    if (fieldPath === undefined || fieldPath === "") faults.required(`${path}.fieldRef.fieldPath`);
    else if (!fieldPaths.test(fieldPath)) {
      faults.invalid(
        `${path}.fieldRef.fieldPath`,
        fieldPath,
        `error converting fieldPath: field label not supported: ${fieldPath}`,
      );
    }
  }
  for (const name of ["configMapKeyRef", "secretKeyRef"]) {
    const reference = source[name];
    if (isObject(reference) && !stringAt(reference, "key")) faults.required(`${path}.${name}.key`);
  }
}

function validateHandler(faults: Faults, path: string, handler: Fields, allowed: readonly string[]): void {
  const given = allowed.filter((name) => isObject(handler[name]));
  if (given.length === 0) faults.required(path, "must specify a handler type");
  for (const name of given.slice(1)) faults.forbidden(`${path}.${name}`, "may not specify more than 1 handler type");
  const { exec, httpGet, tcpSocket, grpc } = handler;
  if (isObject(exec) && listAt(exec, "command").length === 0) faults.required(`${path}.exec.command`);
  if (isObject(httpGet)) {
    faults.words(`${path}.httpGet.port`, httpGet.port, portNumberOrName(httpGet.port));
    faults.oneOf(`${path}.httpGet.scheme`, httpGet.scheme, ["HTTP", "HTTPS"]);
  }
  if (isObject(tcpSocket)) faults.words(`${path}.tcpSocket.port`, tcpSocket.port, portNumberOrName(tcpSocket.port));
  if (isObject(grpc)) faults.words(`${path}.grpc.port`, grpc.port, isPort(grpc.port));
}

function validateProbe(faults: Faults, path: string, probe: Fields, kind: string): void {
  const count = faults.list.length;
  validateHandler(faults, path, probe, handlers);
  for (const name of [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ]) {
    faults.notNegative(`${path}.${name}`, probe[name]);
  }
  if (
    faults.list.length === count &&
    kind !== "readinessProbe" &&
    probe.successThreshold !== undefined &&
    probe.successThreshold !== 1
  ) {
    faults.invalid(`${path}.successThreshold`, probe.successThreshold, "must be 1");
  }
}

function validateResources(faults: Faults, path: string, resources: Fields): void {
  const limits = fieldsAt(resources, "limits");
  for (const list of ["limits", "requests"]) {
    for (const [name, value] of Object.entries(fieldsAt(resources, list))) {
      const at = `${path}.${list}[${name}]`;
      if (!name.includes("/")) {
        if (!standardResources.test(name))
          faults.invalid(at, name, "must be a standard resource type or fully qualified");
        if (!containerResources.test(name)) faults.invalid(at, name, "must be a standard resource for containers");
      } else faults.words(at, name, qualifiedName(name));
      const amount = quantityNanos(value);
      if (amount !== undefined && amount < 0n) faults.invalid(at, value, "must be greater than or equal to 0");
      const limit = list === "requests" ? quantityNanos(limits[name]) : undefined;
      if (amount !== undefined && limit !== undefined && amount > limit) {
        faults.invalid(
          `${path}.requests`,
          value,
          `must be less than or equal to ${name} limit of ${limits[name] as string}`,
        );
      }
    }
  }
}

function validateMounts(faults: Faults, path: string, mounts: readonly unknown[], volumes: ReadonlySet<unknown>): void {
  const seen = new Set<unknown>();
  for (const [index, item] of mounts.entries()) {
    const { name, mountPath } = fieldsAt(item);
    const at = `${path}[${index}]`;
    if (typeof name !== "string" || name === "") faults.required(`${at}.name`);
    else if (!volumes.has(name)) faults.notFound(`${at}.name`, name);
    if (typeof mountPath !== "string" || mountPath === "") faults.required(`${at}.mountPath`);
    else if (seen.has(mountPath)) faults.invalid(`${at}.mountPath`, mountPath, "must be unique");
    seen.add(mountPath);
  }
}

export function validateSecurity(faults: Faults, path: string, context: Fields): void {
  for (const name of ["runAsUser", "runAsGroup", "fsGroup"]) {
    const value = context[name];
    if (typeof value === "number" && (value < 0 || value > 2147483647)) {
      faults.invalid(`${path}.${name}`, value, "must be between 0 and 2147483647, inclusive");
    }
  }
  if (context.privileged === true && context.allowPrivilegeEscalation === false) {
    faults.invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  }
}
