// Objects as people write them, of the commonest kinds, generated. What an API server takes; a few that it refuses do no
// harm.
import * as fc from "fast-check";
import type { JsonObject } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import {
  cpu,
  flag,
  intOrString,
  keyed,
  labels,
  list,
  memory,
  of,
  orNull,
  pick,
  podSpec,
  port,
  selector,
  selectorOf,
  some,
  template,
  text,
  word,
  type Arb,
} from "./generated-pods.ts";

const workload = {
  selector: fc.constant({ matchLabels: selector }),
  template: template({ restartPolicy: fc.constant("Always") }),
};

const rule = of(
  {
    apiGroups: pick([""], ["apps", ""], ["*"]),
    resources: pick(["pods"], ["pods", "services"], ["*"]),
    verbs: pick(["get"], ["list", "get"], ["*"]),
  },
  { resourceNames: pick([], ["a"]) },
);
const subject = fc.oneof(
  of({ kind: fc.constant("ServiceAccount"), name: word, namespace: word }, { apiGroup: fc.constant("") }),
  of({ kind: pick("User", "Group"), name: word }, { apiGroup: fc.constant("rbac.authorization.k8s.io") }),
);
const roleRef = (kind: string): Arb<JsonObject> =>
  of({ kind: fc.constant(kind), name: fc.constant("r"), apiGroup: fc.constant("rbac.authorization.k8s.io") });
const base64 = pick("", "YQ==", "aGVsbG8=", "AAEC/w==");
const policyPeer = fc.oneof(
  of({ podSelector: selectorOf(labels) }),
  of({ namespaceSelector: selectorOf(labels), podSelector: selectorOf(labels) }),
  of({ ipBlock: of({ cidr: pick("10.0.0.0/8") }, { except: pick(["10.1.0.0/16"], []) }) }),
);
const policyPort = some({
  port: pick<unknown>(80, "http"),
  protocol: pick("TCP", "UDP"),
});

const jobSpec = of(
  {
    template: template({ restartPolicy: pick("Never", "OnFailure") }).filter(
      (value) => (value["spec"] as JsonObject)["restartPolicy"] !== undefined,
    ),
  },
  {
    backoffLimit: pick(0, 6),
    completions: pick(1, 2),
    parallelism: pick(0, 1, 2),
    activeDeadlineSeconds: pick(60),
    ttlSecondsAfterFinished: pick(0, 100),
    suspend: flag,
    completionMode: pick("NonIndexed", "Indexed"),
  },
).map((job): JsonObject => (job["completionMode"] === "Indexed" ? { completions: 1, ...job } : job));

/** A kind's objects, without what names them. */
export interface GeneratedKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly clusterScoped?: boolean;
  readonly body: Arb<JsonObject>;
}

const spec = (value: Arb<JsonObject>): Arb<JsonObject> => value.map((content) => ({ spec: content }));

export const generatedKinds: readonly GeneratedKind[] = [
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    body: some({
      data: orNull(fc.dictionary(pick("a", "b.yaml", "c_d"), text, { maxKeys: 3 })),
      binaryData: fc.dictionary(pick("e", "f"), base64, { maxKeys: 2 }),
      immutable: flag,
    }),
  },
  {
    apiVersion: "v1",
    kind: "Secret",
    body: some({
      data: orNull(fc.dictionary(pick("a", "b"), base64, { maxKeys: 2 })),
      stringData: fc.dictionary(pick("b", "c"), text, { maxKeys: 2 }),
      type: pick("Opaque", ""),
      immutable: flag,
    }),
  },
  {
    apiVersion: "v1",
    kind: "Service",
    body: spec(
      of(
        {
          ports: keyed(
            "port",
            [80, 443, 53],
            of({}, { protocol: pick("TCP", "UDP"), targetPort: port, appProtocol: pick("http") }),
            1,
            3,
          ).map((ports) => ports.map((item, i) => ({ ...item, name: `p${i}` }))),
        },
        {
          selector: orNull(labels),
          type: pick("ClusterIP", "NodePort", "LoadBalancer"),
          sessionAffinity: pick("None", "ClientIP"),
          publishNotReadyAddresses: flag,
          externalIPs: pick([], ["192.0.2.1"]),
          internalTrafficPolicy: pick("Cluster", "Local"),
          ipFamilyPolicy: pick("SingleStack"),
        },
      ),
    ),
  },
  {
    apiVersion: "v1",
    kind: "ServiceAccount",
    body: some({
      automountServiceAccountToken: flag,
      imagePullSecrets: orNull(keyed("name", ["one", "two"], fc.constant({}), 0, 2)),
      secrets: keyed("name", ["s", "t"], fc.constant({}), 0, 2),
    }),
  },
  {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    body: spec(
      of(
        {
          accessModes: pick(["ReadWriteOnce"], ["ReadWriteMany", "ReadOnlyMany"]),
          resources: of({ requests: of({ storage: memory.filter((value) => value !== "0") }) }),
        },
        { volumeMode: pick("Filesystem", "Block"), storageClassName: pick("", "fast"), selector: selectorOf(labels) },
      ),
    ),
  },
  {
    apiVersion: "v1",
    kind: "LimitRange",
    body: spec(
      of({
        limits: list(
          of(
            { type: pick("Container") },
            { default: some({ cpu, memory }), defaultRequest: some({ memory: pick<unknown>("0", 0) }) },
          ),
          1,
          1,
        ),
      }),
    ),
  },
  {
    apiVersion: "v1",
    kind: "ResourceQuota",
    body: spec(
      some({
        hard: some({ "requests.cpu": cpu, "limits.memory": memory, pods: pick<unknown>("10", 10, "1k") }),
        scopes: pick(["NotTerminating"]),
      }),
    ),
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    body: spec(
      of(workload, {
        replicas: orNull(pick(0, 1, 2)),
        revisionHistoryLimit: pick(0, 10),
        minReadySeconds: pick(0, 5),
        paused: flag,
        progressDeadlineSeconds: pick(600, 900),
        strategy: orNull(
          fc.oneof(
            of({ type: fc.constant("Recreate") }),
            of(
              { type: fc.constant("RollingUpdate") },
              {
                rollingUpdate: orNull(
                  some({ maxSurge: pick<unknown>("25%", 1, "50%"), maxUnavailable: pick<unknown>("25%", 0) }).filter(
                    (value) => value["maxUnavailable"] !== 0 || value["maxSurge"] !== 0,
                  ),
                ),
              },
            ),
          ),
        ),
      }),
    ),
  },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    body: spec(
      of(
        { ...workload, serviceName: word },
        {
          replicas: pick(0, 1),
          podManagementPolicy: pick("OrderedReady", "Parallel"),
          updateStrategy: fc.oneof(
            of({ type: fc.constant("OnDelete") }),
            of({ type: fc.constant("RollingUpdate") }, { rollingUpdate: some({ partition: pick(0, 1) }) }),
          ),
          persistentVolumeClaimRetentionPolicy: some({ whenDeleted: pick("Retain", "Delete") }),
          volumeClaimTemplates: list(
            of(
              {
                metadata: of({ name: fc.constant("store") }, { creationTimestamp: fc.constant(null) }),
                spec: of(
                  {
                    accessModes: fc.constant(["ReadWriteOnce"]),
                    resources: of({ requests: of({ storage: pick("1Gi", "1024Mi") }) }),
                  },
                  { storageClassName: pick("fast") },
                ),
              },
              { apiVersion: fc.constant("v1"), kind: fc.constant("PersistentVolumeClaim") },
            ),
            0,
            1,
          ),
        },
      ),
    ),
  },
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    body: spec(
      of(workload, {
        minReadySeconds: pick(0, 3),
        revisionHistoryLimit: pick(0, 10),
        updateStrategy: fc.oneof(
          of({ type: fc.constant("OnDelete") }),
          of(
            { type: fc.constant("RollingUpdate") },
            { rollingUpdate: some({ maxUnavailable: pick<unknown>(1, "10%") }) },
          ),
        ),
      }),
    ),
  },
  { apiVersion: "batch/v1", kind: "Job", body: spec(jobSpec) },
  {
    apiVersion: "batch/v1",
    kind: "CronJob",
    body: spec(
      of(
        {
          schedule: pick("*/5 * * * *", "@daily"),
          jobTemplate: jobSpec.map(({ manualSelector: _m, ...rest }): JsonObject => ({ spec: rest })),
        },
        {
          suspend: flag,
          concurrencyPolicy: pick("Allow", "Forbid", "Replace"),
          startingDeadlineSeconds: pick(60),
          successfulJobsHistoryLimit: pick(0, 3),
          timeZone: pick("Etc/UTC"),
        },
      ),
    ),
  },
  { apiVersion: "v1", kind: "Pod", body: spec(podSpec({ restartPolicy: pick("Always", "Never") })) },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    body: spec(
      of(
        {
          rules: list(
            some({
              host: pick("", "a.example.com"),
              http: of({
                paths: list(
                  of({
                    pathType: pick("Prefix", "Exact"),
                    path: pick("/", "/a"),
                    backend: of({
                      service: of({ name: word, port: fc.oneof(of({ number: pick(80) }), of({ name: pick("http") })) }),
                    }),
                  }),
                  1,
                  2,
                ),
              }),
            }),
            1,
            2,
          ),
        },
        {
          ingressClassName: pick("nginx"),
          tls: list(some({ hosts: pick(["a.example.com"], []), secretName: pick("", "s") }), 0, 2),
          defaultBackend: of({ service: of({ name: word, port: of({ number: pick(80) }) }) }),
        },
      ),
    ),
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    body: spec(
      of(
        { podSelector: selectorOf(labels) },
        {
          policyTypes: pick(["Ingress"], ["Ingress", "Egress"], ["Egress"]),
          ingress: orNull(list(some({ from: list(policyPeer, 0, 2), ports: list(policyPort, 0, 2) }), 0, 2)),
          egress: list(some({ to: list(policyPeer, 0, 2), ports: list(policyPort, 0, 2) }), 0, 2),
        },
      ),
    ),
  },
  {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    body: spec(
      of(
        {
          scaleTargetRef: of({ kind: pick("Deployment"), name: word }, { apiVersion: pick("apps/v1") }),
          maxReplicas: pick(5, 10),
        },
        {
          minReplicas: pick(1, 2),
          metrics: list(
            fc.oneof(
              of({
                type: fc.constant("Resource"),
                resource: of({
                  name: pick("cpu", "memory"),
                  target: fc.oneof(
                    of({ type: fc.constant("Utilization"), averageUtilization: pick(50, 80) }),
                    of({ type: fc.constant("AverageValue"), averageValue: cpu.filter((value) => value !== "0") }),
                  ),
                }),
              }),
              of({
                type: fc.constant("External"),
                external: of({
                  metric: of({ name: word }),
                  target: of({ type: fc.constant("Value"), value: pick<unknown>("10", "1k", 5) }),
                }),
              }),
            ),
            0,
            2,
          ),
          behavior: some({
            scaleDown: some({
              stabilizationWindowSeconds: pick(0, 300),
              policies: list(
                of({ type: pick("Pods", "Percent"), value: pick(1, 10), periodSeconds: pick(15, 60) }),
                1,
                2,
              ),
              selectPolicy: pick("Max", "Min"),
            }),
          }),
        },
      ),
    ),
  },
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    body: spec(
      fc
        .tuple(
          some({ selector: selectorOf(labels), unhealthyPodEvictionPolicy: pick("AlwaysAllow") }),
          fc.oneof(
            of({ minAvailable: intOrString.filter((value) => value !== "http") }),
            of({ maxUnavailable: intOrString.filter((value) => value !== "http") }),
          ),
        )
        .map(([a, b]) => ({ ...a, ...b })),
    ),
  },
  { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", body: some({ rules: orNull(list(rule, 0, 3)) }) },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    body: of({ roleRef: roleRef("Role") }, { subjects: orNull(list(subject, 0, 2)) }),
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    clusterScoped: true,
    body: fc.oneof(
      some({ rules: orNull(list(rule, 0, 3)) }),
      of(
        { aggregationRule: of({ clusterRoleSelectors: list(selectorOf(labels), 1, 2) }) },
        { rules: pick<unknown>([], null) },
      ),
    ),
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    clusterScoped: true,
    body: of({ roleRef: roleRef("ClusterRole") }, { subjects: list(subject, 0, 2) }),
  },
  {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    clusterScoped: true,
    body: of(
      { provisioner: pick("example.com/disk") },
      {
        reclaimPolicy: pick("Delete", "Retain"),
        volumeBindingMode: pick("Immediate", "WaitForFirstConsumer"),
        allowVolumeExpansion: flag,
        parameters: fc.dictionary(pick("type", "fs"), pick("ssd", ""), { maxKeys: 2 }),
        mountOptions: pick([], ["ro"]),
      },
    ),
  },
  {
    apiVersion: "example.com/v1",
    kind: "Widget",
    body: spec(
      some({
        size: pick(1, 2),
        cpu,
        tags: fc.shuffledSubarray(["a", "b", "c"]),
        list: list(text),
        ports: keyed("port", [80, 81, 82], some({ protocol: pick("TCP", "UDP"), note: text })),
        free: some({ a: pick<unknown>(1, "x", null, [], {}), b: some({ c: text }) }),
        labels: fc.dictionary(word, text, { maxKeys: 2 }),
        atom: some({ a: text, b: text }),
        nest: some({ mode: pick("fast", "slow"), level: pick(1, 2) }),
      }),
    ),
  },
];

/** As many objects as asked for, of all kinds in turn, each with a name of its own; the same for one seed. */
export function generate(
  count: number,
  given: { readonly seed: number; readonly namespaces: readonly string[] },
): KubernetesObject[] {
  const each = Math.ceil(count / generatedKinds.length);
  const perKind = generatedKinds.map(({ apiVersion, kind, clusterScoped, body }, k) => {
    const meta = some({
      labels: orNull(labels),
      annotations: fc.dictionary(pick("note", "example.com/x"), text, { maxKeys: 2 }),
      creationTimestamp: fc.constant(null),
      finalizers: fc.constant([]),
    });
    const contents = fc.sample(fc.tuple(meta, body), { numRuns: each, seed: given.seed + k });
    return contents.map(([metadata, content], i): KubernetesObject => {
      const place = clusterScoped ? {} : { namespace: given.namespaces[i % given.namespaces.length]! };
      return {
        apiVersion,
        kind,
        metadata: { ...metadata, name: `g-${k}-${i}`, ...place },
        ...content,
      };
    });
  });
  const mixed: KubernetesObject[] = [];
  for (let i = 0; i < each; i++) for (const objects of perKind) mixed.push(objects[i]!);
  return mixed.slice(0, count);
}
