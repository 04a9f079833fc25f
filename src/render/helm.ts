// A Helm source: what the engine renders, and with which values. Source: Argo CD's "Helm" page: value files in order, then
// values or valuesObject, then parameters, then file parameters; later ones win.
import { DriftlessError } from "#base/errors.ts";
import { stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { ApplicationSource } from "#model/application.ts";
import { substitute } from "./environment.ts";
import { compact, Fields } from "./fields.ts";
import type { RenderRequest } from "./types.ts";
import { filePath, placeOf, valueFiles, type HelmContext } from "./value-files.ts";

/** Parameters of the engine's `helm` request. Errors: SPEC_INVALID, RENDER_REFUSED, RENDER_FAILED (a file is missing). */
export async function helmParams(op: Operation, context: HelmContext): Promise<Record<string, unknown>> {
  const { request, source, environment, folder } = context;
  const fields = new Fields(source.helm, "spec.source.helm");
  const version = fields.text("version");
  if (version !== undefined && version !== "v3")
    throw new DriftlessError("SPEC_INVALID", `helm chart version '${version}' is not supported: leave it out`, {
      details: { field: "spec.source.helm.version" },
    });
  const values = await valueFiles(op, context, {
    written: fields.texts("valueFiles"),
    ignoreMissing: fields.flag("ignoreMissingValueFiles"),
  });
  const object = fields.object("valuesObject");
  const text = object === undefined ? fields.text("values") : JSON.stringify(object);
  if (text !== undefined)
    values.push({ name: object === undefined ? "spec.source.helm.values" : "spec.source.helm.valuesObject", text });
  const parameters = fields.objects("parameters").map((parameter) => ({
    name: stringAt(parameter, "name") ?? "",
    value: substitute(textOf(parameter["value"]), environment),
    forceString: parameter["forceString"] === true,
  }));
  const plain = ({ name, value }: { name: string; value: string }) => ({ name, value });
  return {
    chart: folder,
    releaseName: fields.text("releaseName") ?? request.appName,
    namespace: fields.text("namespace") ?? request.namespace ?? "",
    ...compact({
      values,
      set: parameters.filter(({ forceString }) => !forceString).map(plain),
      setString: parameters.filter(({ forceString }) => forceString).map(plain),
      setFile: await Promise.all(
        fields.objects("fileParameters").map(async (parameter) => {
          const written = stringAt(parameter, "path") ?? "";
          const at = placeOf(op, context, written);
          const content = await at.context.files.text(filePath(at.context, at.path));
          if (content === undefined)
            throw new DriftlessError("RENDER_FAILED", `the file ${written} of a file parameter does not exist`, {
              details: { file: written, field: "spec.source.helm.fileParameters" },
            });
          return { name: stringAt(parameter, "name") ?? "", value: content };
        }),
      ),
      skipCrds: fields.flag("skipCrds"),
      skipTests: fields.flag("skipTests"),
      skipSchemaValidation: fields.flag("skipSchemaValidation"),
    }),
  };
}

/** The cluster's capabilities, or what the source says instead. */
export async function helmCapabilities(
  op: Operation,
  request: RenderRequest,
  source: ApplicationSource,
): Promise<Record<string, unknown>> {
  const cluster = await request.capabilities?.(op);
  const fields = new Fields(source.helm, "spec.source.helm");
  const apiVersions = fields.texts("apiVersions");
  return compact({
    kubeVersion: fields.text("kubeVersion") ?? cluster?.kubeVersion,
    apiVersions: apiVersions.length > 0 ? apiVersions : cluster?.apiVersions,
  });
}

function textOf(value: unknown): string {
  return typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : "";
}
