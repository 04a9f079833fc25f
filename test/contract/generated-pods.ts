// The values and pod templates of generated objects: odd quantities, defaults spelled out or left out, empty and null
// values, lists in any order.
import * as fc from "fast-check";
import type { JsonObject } from "#base/json.ts";

export type Arb<T = unknown> = fc.Arbitrary<T>;

/** A record in which each field may be absent. */
export const some = (fields: Record<string, Arb>): Arb<JsonObject> =>
  fc.record(fields, { requiredKeys: [] }) as Arb<JsonObject>;
/** A record of fields that are there and others that may be. */
export const of = (fields: Record<string, Arb>, optional: Record<string, Arb> = {}): Arb<JsonObject> =>
  fc.record({ ...fields, ...optional }, { requiredKeys: Object.keys(fields) }) as Arb<JsonObject>;
export const pick = <T>(...values: readonly T[]): Arb<T> => fc.constantFrom(...values);
export const list = (item: Arb, min = 0, max = 3): Arb<unknown[]> => fc.array(item, { minLength: min, maxLength: max });
/** Elements with keys of their own: `key` is set from a list of distinct names. */
export const keyed = (
  key: string,
  names: readonly (string | number)[],
  item: Arb<JsonObject>,
  min = 0,
  max = 3,
): Arb<JsonObject[]> =>
  fc
    .tuple(
      fc.shuffledSubarray([...names], { minLength: min, maxLength: max }),
      fc.array(item, { minLength: max, maxLength: max }),
    )
    .map(([keys, items]) => keys.map((value, i) => ({ ...items[i], [key]: value })));

export const word = pick("web", "api", "db", "cache", "a", "x-1", "blue");
export const text = pick(
  "",
  "plain",
  "true",
  "1e3",
  "0x10",
  "null",
  "ünï ☃",
  "multi\nline\n",
  " spaced ",
  '{"a":1}',
  "$(HOME)",
);
const labelValue = pick("", "a", "v1.2.3", "true", "123", "A_b-c");
export const labels = fc.dictionary(pick("app", "tier", "example.com/part", "a.b"), labelValue, { maxKeys: 3 });
export const cpu = pick<unknown>("1", 1, "0.5", 0.1, "500m", "1000m", "1.5", "0", "100u", "1k", "2e0");
export const memory = pick<unknown>(
  "1Gi",
  "1024Mi",
  "128974848",
  "129e6",
  "129M",
  "123Mi",
  "1.5Gi",
  1048576,
  "0",
  "0.5Gi",
  "1000Ki",
);
export const intOrString = pick<unknown>(80, "http", "25%", 1, "50%");
export const port = pick<unknown>(80, 8080, 443, "http", "metrics");
export const flag = fc.boolean();
export const orNull = (arb: Arb): Arb => fc.option(arb, { freq: 12, nil: null });

export const selectorOf = (own: Arb): Arb<JsonObject> =>
  some({
    matchLabels: own,
    matchExpressions: list(
      fc.oneof(
        of({ key: pick("app", "tier"), operator: pick("Exists", "DoesNotExist") }),
        of({ key: pick("app", "tier"), operator: pick("In", "NotIn"), values: pick(["a"], ["b", "a"]) }),
      ),
      0,
      2,
    ),
  });

const probe = fc
  .tuple(
    fc.oneof(
      of({
        httpGet: of(
          { port },
          {
            path: pick("/", "/healthz", ""),
            scheme: pick("HTTP", "HTTPS"),
            httpHeaders: list(of({ name: pick("Accept", "X-A"), value: text }), 0, 2),
          },
        ),
      }),
      of({ tcpSocket: of({ port }) }),
      of({ exec: of({ command: list(word, 1, 3) }) }),
      of({ grpc: of({ port: pick(80, 9090) }, { service: pick("", "health") }) }),
    ),
    some({
      periodSeconds: pick(10, 5, 0),
      timeoutSeconds: pick(1, 3),
      initialDelaySeconds: pick(0, 5),
      failureThreshold: pick(3, 5),
      successThreshold: fc.constant(1),
    }),
  )
  .map(([handler, rest]): JsonObject => ({ ...handler, ...rest }));

const envVar = fc.oneof(
  some({ value: text }),
  of({
    valueFrom: fc.oneof(
      of({ fieldRef: of({ fieldPath: pick("metadata.name", "status.podIP") }, { apiVersion: fc.constant("v1") }) }),
      of({ configMapKeyRef: of({ key: word, name: word }, { optional: flag }) }),
      of({ secretKeyRef: of({ key: word, name: word }, { optional: flag }) }),
      of({
        resourceFieldRef: of(
          { resource: pick("limits.cpu", "requests.memory") },
          { divisor: pick<unknown>("0", "1", "1m", 1) },
        ),
      }),
    ),
  }),
);

const mountNames = ["data", "conf", "tmp"] as const;
const container = of(
  { image: pick("nginx", "nginx:1.27", "nginx:latest", "r.example.com/a@sha256:" + "0".repeat(64)) },
  {
    command: orNull(list(word, 0, 2)),
    args: orNull(list(text, 0, 3)),
    env: keyed("name", ["A", "B", "PATH", "b_c"], envVar, 0, 3),
    envFrom: list(of({ configMapRef: of({ name: word }, { optional: flag }) }, { prefix: pick("", "P_") }), 0, 2),
    ports: orNull(keyed("containerPort", [80, 443, 8080], some({ protocol: pick("TCP", "UDP") }), 0, 3)),
    resources: some({
      limits: some({ cpu, memory: pick<unknown>("2Gi", "4Gi", 4294967296) }),
      requests: some({ cpu: pick<unknown>("0", "1m", 0), memory: pick<unknown>("1Mi", "0", "1e6") }),
    }).filter(({ limits }) => (limits as JsonObject | undefined)?.["cpu"] !== "0"),
    livenessProbe: probe,
    readinessProbe: probe,
    lifecycle: some({
      preStop: of({ exec: of({ command: list(word, 1, 2) }) }),
      postStart: of({ httpGet: of({ port }) }),
    }),
    imagePullPolicy: pick("Always", "IfNotPresent", "Never"),
    securityContext: orNull(
      some({
        runAsNonRoot: flag,
        runAsUser: pick(0, 1000),
        readOnlyRootFilesystem: flag,
        privileged: fc.constant(false),
        capabilities: some({ drop: pick(["ALL"], []), add: pick(["NET_ADMIN"]) }),
      }),
    ),
    terminationMessagePolicy: pick("File", "FallbackToLogsOnError"),
    tty: flag,
    stdin: flag,
    workingDir: pick("", "/srv"),
    volumeMounts: keyed(
      "mountPath",
      ["/data", "/conf", "/tmp/x"],
      of({ name: pick(...mountNames) }, { readOnly: flag, subPath: pick("", "a") }),
      0,
      3,
    ),
  },
);

const volumeSource = fc.oneof(
  of({ emptyDir: some({ medium: pick("", "Memory"), sizeLimit: memory }) }),
  of({
    configMap: of(
      { name: word },
      {
        defaultMode: pick(420, 256),
        optional: flag,
        items: list(of({ key: word, path: word }, { mode: pick(256) }), 0, 2),
      },
    ),
  }),
  of({ secret: of({ secretName: word }, { defaultMode: pick(420, 256), optional: flag }) }),
  of({ hostPath: of({ path: pick("/var/x") }, { type: pick("", "Directory") }) }),
  of({ persistentVolumeClaim: of({ claimName: word }, { readOnly: flag }) }),
  of({
    projected: of(
      {
        sources: list(
          fc.oneof(
            of({
              serviceAccountToken: of(
                { path: fc.constant("token") },
                { expirationSeconds: pick(3600, 7200), audience: pick("", "vault") },
              ),
            }),
            of({ configMap: of({ name: word }, { optional: flag }) }),
            of({
              downwardAPI: of({ items: fc.constant([{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }]) }),
            }),
          ),
          1,
          2,
        ),
      },
      { defaultMode: pick(420, 288) },
    ),
  }),
  of({ downwardAPI: of({ items: fc.constant([{ path: "n", fieldRef: { fieldPath: "metadata.name" } }]) }) }),
  fc.constant({ csi: { driver: "inline.example.com", volumeAttributes: { a: "b" } } }),
);
const volumes = fc
  .tuple(...mountNames.map(() => volumeSource))
  .map((sources) => mountNames.map((name, i) => ({ ...sources[i], name })));

export const podSpec = (restart: Record<string, Arb>): Arb<JsonObject> =>
  of(
    { containers: keyed("name", ["main", "side", "log"], container, 1, 3), volumes },
    {
      ...restart,
      initContainers: orNull(
        keyed(
          "name",
          ["init", "migrate"],
          container.map(({ livenessProbe: _l, readinessProbe: _r, lifecycle: _c, ...rest }): JsonObject => rest),
          0,
          2,
        ),
      ),
      nodeSelector: orNull(labels),
      tolerations: orNull(
        list(
          fc.oneof(
            of({ operator: fc.constant("Exists") }, { effect: pick("", "NoSchedule") }),
            of(
              { key: pick("a", "b"), value: pick("", "x") },
              { effect: pick("NoSchedule"), operator: fc.constant("Equal") },
            ),
          ),
          0,
          2,
        ),
      ),
      affinity: orNull(
        some({
          podAntiAffinity: some({
            preferredDuringSchedulingIgnoredDuringExecution: list(
              of({
                weight: pick(1, 100),
                podAffinityTerm: of({ topologyKey: pick("kubernetes.io/hostname"), labelSelector: selectorOf(labels) }),
              }),
              0,
              2,
            ),
          }),
        }),
      ),
      topologySpreadConstraints: list(
        of(
          { maxSkew: pick(1, 2), topologyKey: pick("zone"), whenUnsatisfiable: pick("ScheduleAnyway") },
          { labelSelector: selectorOf(labels) },
        ),
        0,
        1,
      ),
      securityContext: orNull(
        some({
          fsGroup: pick(0, 2000),
          runAsNonRoot: flag,
          sysctls: fc.constant([]),
          supplementalGroups: pick([1, 2], []),
        }),
      ),
      serviceAccountName: pick("", "default"),
      terminationGracePeriodSeconds: pick(0, 30, 60),
      imagePullSecrets: orNull(keyed("name", ["one", "two"], fc.constant({}), 0, 2)),
      hostAliases: keyed("ip", ["10.0.0.1", "10.0.0.2"], of({ hostnames: pick(["a"], ["b", "a"]) }), 0, 2),
      dnsConfig: some({
        nameservers: pick(["1.1.1.1"], []),
        options: pick([{ name: "ndots", value: "2" }], [{ name: "debug" }]),
      }),
      dnsPolicy: pick("ClusterFirst", "Default"),
      hostNetwork: fc.constant(false),
      enableServiceLinks: flag,
      automountServiceAccountToken: flag,
      priorityClassName: fc.constant(""),
      schedulerName: pick("default-scheduler", "own"),
      hostname: pick("", "h"),
      shareProcessNamespace: flag,
      readinessGates: pick([{ conditionType: "example.com/up" }], []),
    },
  );

export const selector = { app: "x" };
export const template = (restart: Record<string, Arb> = {}): Arb<JsonObject> =>
  fc
    .tuple(
      podSpec(restart),
      labels,
      some({
        annotations: fc.dictionary(pick("a", "example.com/b"), text, { maxKeys: 2 }),
        creationTimestamp: fc.constant(null),
      }),
    )
    .map(([spec, more, meta]): JsonObject => ({ metadata: { ...meta, labels: { ...more, ...selector } }, spec }));
