// The monorepo of the render bench: 1,000 applications, 60% Kustomize overlays, 25% Helm charts, 15% plain YAML, as files.
// Overlays share bases as teams do: one base serves 100 of them, each other one serves three environments.

export interface FleetApplication {
  readonly name: string;
  readonly kind: "kustomize" | "helm" | "yaml";
  /** The source's folder. */
  readonly path: string;
  readonly valueFiles?: readonly string[];
}

export interface Fleet {
  readonly applications: readonly FleetApplication[];
  readonly files: Readonly<Record<string, string>>;
  /** A file that only one application reads, and the base that 100 share. */
  readonly ownFile: string;
  readonly sharedFile: string;
  readonly sharedBy: number;
}

const environments = ["dev", "staging", "prod"];
const sharedBy = 100;

export function renderFleet(count: number): Fleet {
  const kustomize = Math.round(count * 0.6);
  const helm = Math.round(count * 0.25);
  const files: Record<string, string> = {};
  const applications: FleetApplication[] = [];
  const add = (folder: string, more: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(more)) files[`${folder}/${name}`] = text;
  };
  add("bases/shared", base("shared"));
  for (let at = 0; at < kustomize; at++) {
    const team = Math.floor(at / environments.length);
    const shares = at < sharedBy;
    const service = shares ? "shared" : `service-${team}`;
    if (!shares) add(`bases/${service}`, base(service));
    const environment = shares ? `tenant-${at}` : environments[at % environments.length]!;
    const path = shares ? `tenants/${at}` : `overlays/${service}/${environment}`;
    add(path, overlay(service, environment, "../".repeat(path.split("/").length), at));
    applications.push({ name: `${service}-${environment}`, kind: "kustomize", path });
  }
  for (let at = 0; at < helm; at++) {
    const path = `charts/web-${at}`;
    add(path, chart(at));
    applications.push({ name: `web-${at}`, kind: "helm", path, valueFiles: ["values-prod.yaml"] });
  }
  for (let at = kustomize + helm; at < count; at++) {
    const path = `plain/app-${at}`;
    add(path, plain(`app-${at}`));
    applications.push({ name: `app-${at}`, kind: "yaml", path });
  }
  const own = applications[sharedBy + 1]!;
  return {
    applications,
    files,
    ownFile: `${own.path}/replicas.yaml`,
    sharedFile: "bases/shared/service.yaml",
    sharedBy,
  };
}

const metadata = (name: string): string =>
  `metadata:\n  name: ${name}\n  labels:\n    app.kubernetes.io/name: ${name}\n`;

function deployment(name: string, image: string): string {
  return `apiVersion: apps/v1
kind: Deployment
${metadata(name)}spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: ${name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: ${name}
    spec:
      serviceAccountName: ${name}
      containers:
        - name: web
          image: ${image}
          ports:
            - name: http
              containerPort: 8080
          envFrom:
            - configMapRef:
                name: ${name}
          readinessProbe:
            httpGet:
              path: /healthz
              port: http
          resources:
            requests:
              cpu: 50m
              memory: 64Mi
            limits:
              memory: 128Mi
`;
}

const service = (name: string): string =>
  `apiVersion: v1\nkind: Service\n${metadata(name)}spec:\n  selector:\n    app.kubernetes.io/name: ${name}\n  ports:\n    - name: http\n      port: 80\n      targetPort: http\n`;
const account = (name: string): string => `apiVersion: v1\nkind: ServiceAccount\n${metadata(name)}`;
const ingress = (name: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: Ingress\n${metadata(name)}spec:\n  rules:\n    - host: ${name}.example.com\n      http:\n        paths:\n          - path: /\n            pathType: Prefix\n            backend:\n              service:\n                name: ${name}\n                port:\n                  name: http\n`;
const budget = (name: string): string =>
  `apiVersion: policy/v1\nkind: PodDisruptionBudget\n${metadata(name)}spec:\n  minAvailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: ${name}\n`;
const scaler = (name: string): string =>
  `apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n${metadata(name)}spec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: ${name}\n  minReplicas: 2\n  maxReplicas: 10\n`;

function base(name: string): Record<string, string> {
  return {
    "kustomization.yaml": `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - account.yaml
  - service.yaml
  - deployment.yaml
  - ingress.yaml
  - budget.yaml
  - scaler.yaml
configMapGenerator:
  - name: ${name}
    files:
      - app.properties
    literals:
      - LOG_LEVEL=info
`,
    "account.yaml": account(name),
    "service.yaml": service(name),
    "deployment.yaml": deployment(name, `registry.example.com/${name}:v1.0.0`),
    "ingress.yaml": ingress(name),
    "budget.yaml": budget(name),
    "scaler.yaml": scaler(name),
    "app.properties": `greeting=hello from ${name}\ncache=on\n`,
  };
}

function overlay(name: string, environment: string, root: string, index: number): Record<string, string> {
  return {
    "kustomization.yaml": `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: ${name}-${environment}
namePrefix: ${environment}-
resources:
  - ${root}bases/${name}
labels:
  - pairs:
      environment: ${environment}
images:
  - name: registry.example.com/${name}
    newTag: v1.${index}.0
patches:
  - path: replicas.yaml
  - target:
      kind: Ingress
    patch: |-
      - op: replace
        path: /spec/rules/0/host
        value: ${name}.${environment}.example.com
`,
    "replicas.yaml": `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ${name}\nspec:\n  replicas: 3\n`,
  };
}

const helpers = `{{- define "web.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "web.fullname" -}}
{{- printf "%s-%s" .Release.Name (include "web.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "web.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ include "web.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- define "web.selector" -}}
app.kubernetes.io/name: {{ include "web.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
`;

const template = (api: string, kind: string, rest: string): string =>
  `apiVersion: ${api}\nkind: ${kind}\nmetadata:\n  name: {{ include "web.fullname" . }}\n  labels:\n    {{- include "web.labels" . | nindent 4 }}\n${rest}`;

function chart(index: number): Record<string, string> {
  return {
    "Chart.yaml": `apiVersion: v2\nname: web\ndescription: Web service ${index}\nversion: 1.${index}.0\nappVersion: "4.${index}"\n`,
    "values.yaml": `replicas: 1\nimage:\n  repository: registry.example.com/web-${index}\n  tag: ""\nservice:\n  type: ClusterIP\n  port: 80\ningress:\n  enabled: false\n  host: web.example.com\nautoscaling:\n  enabled: true\n  max: 10\nresources: {}\nconfig:\n  logLevel: info\n`,
    "values-prod.yaml": `replicas: 3\ningress:\n  enabled: true\n  host: web-${index}.example.com\nresources:\n  requests:\n    cpu: 100m\n    memory: 128Mi\n`,
    "templates/_helpers.tpl": helpers,
    "templates/account.yaml": template("v1", "ServiceAccount", ""),
    "templates/config.yaml": template(
      "v1",
      "ConfigMap",
      "data:\n  config.json: |\n    {{- toPrettyJson .Values.config | nindent 4 }}\n",
    ),
    "templates/service.yaml": template(
      "v1",
      "Service",
      'spec:\n  type: {{ .Values.service.type }}\n  ports:\n    - port: {{ .Values.service.port }}\n      targetPort: http\n      name: http\n  selector:\n    {{- include "web.selector" . | nindent 4 }}\n',
    ),
    "templates/deployment.yaml": template(
      "apps/v1",
      "Deployment",
      `spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "web.selector" . | nindent 6 }}
  template:
    metadata:
      annotations:
        checksum/config: {{ include (print $.Template.BasePath "/config.yaml") . | sha256sum }}
      labels:
        {{- include "web.labels" . | nindent 8 }}
    spec:
      serviceAccountName: {{ include "web.fullname" . }}
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          ports:
            - name: http
              containerPort: 8080
          {{- with .Values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
`,
    ),
    "templates/ingress.yaml": `{{- if .Values.ingress.enabled }}\n${template("networking.k8s.io/v1", "Ingress", 'spec:\n  rules:\n    - host: {{ .Values.ingress.host | quote }}\n      http:\n        paths:\n          - path: /\n            pathType: Prefix\n            backend:\n              service:\n                name: {{ include "web.fullname" . }}\n                port:\n                  name: http\n')}{{- end }}\n`,
    "templates/scaler.yaml": `{{- if .Values.autoscaling.enabled }}\n${template("autoscaling/v2", "HorizontalPodAutoscaler", 'spec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: {{ include "web.fullname" . }}\n  minReplicas: {{ .Values.replicas }}\n  maxReplicas: {{ .Values.autoscaling.max }}\n')}{{- end }}\n`,
    "templates/NOTES.txt": "{{ .Chart.Name }} is there.\n",
  };
}

function plain(name: string): Record<string, string> {
  return {
    "account.yaml": account(name),
    "service.yaml": service(name),
    "deployment.yaml": deployment(name, `registry.example.com/${name}:v1.0.0`),
    "ingress.yaml": ingress(name),
    "budget.yaml": budget(name),
    "scaler.yaml": scaler(name),
  };
}

/** Sources that are measured one at a time, each in copies so that none is remembered: name → how a copy is made. */
export const singles: Readonly<
  Record<string, { readonly kind: "helm" | "kustomize"; files(copy: number): Record<string, string> }>
> = {
  "tiny-chart": {
    kind: "helm",
    files: (copy) => ({
      "Chart.yaml": `apiVersion: v2\nname: tiny\nversion: 0.${copy}.0\n`,
      "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n",
    }),
  },
  "usual-chart": { kind: "helm", files: (copy) => chart(copy) },
  "large-chart": {
    kind: "helm",
    files: (copy) => {
      const { "templates/_helpers.tpl": shared = "", ...one } = chart(copy);
      const files: Record<string, string> = { ...one, "templates/_helpers.tpl": shared };
      for (let at = 0; at < 8; at++)
        for (const [name, text] of Object.entries(one))
          if (name.startsWith("templates/") && name.endsWith(".yaml"))
            files[name.replace("templates/", `templates/part-${at}/`)] = text
              .replaceAll('BasePath "/config.yaml"', `BasePath "/part-${at}/config.yaml"`)
              .replaceAll('name: {{ include "web.fullname" . }}', `name: {{ include "web.fullname" . }}-${at}`);
      return files;
    },
  },
  "usual-overlay": {
    kind: "kustomize",
    files: (copy) => ({
      ...prefixed("bases/single", base("single")),
      ...overlay("single", "prod", "", copy),
    }),
  },
  "overlay-of-20": {
    kind: "kustomize",
    files: (copy) => {
      const parts = Array.from({ length: 3 }, (_, at) => `part-${at}`);
      return {
        ...(Object.assign({}, ...parts.map((part) => prefixed(part, base(part)))) as Record<string, string>),
        "kustomization.yaml": `namespace: many\nnamePrefix: n${copy}-\nresources: [${parts.join(", ")}]\nlabels: [{ pairs: { team: web } }]\n`,
      };
    },
  },
};

function prefixed(folder: string, files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]));
}
