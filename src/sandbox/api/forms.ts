// Objects and lists in the form that a client asked for: themselves, a Table, or metadata only. Builds JSON text;
// decides nothing about who may see what.
import { apiVersionOf, type KubernetesObject } from "#model/object.ts";
import type { ResourceDefinition, TableColumn } from "../contract.ts";
import type { AcceptedForm } from "./request.ts";

export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface FormOptions {
  readonly form: AcceptedForm;
  /** What a Table's rows carry. */
  readonly includeObject: "Metadata" | "None" | "Object";
  readonly nowMs: number;
}

const defaultTable: NonNullable<ResourceDefinition["table"]> = {
  columns: [
    {
      name: "Name",
      type: "string",
      format: "name",
      description:
        "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
      priority: 0,
    },
    {
      name: "Created At",
      type: "date",
      description:
        "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
      priority: 0,
    },
  ],
  row: (object) => [object.metadata.name ?? "", object.metadata.creationTimestamp ?? ""],
};

/** One object's text. */
export function objectText(object: KubernetesObject, definition: ResourceDefinition, options: FormOptions): string {
  switch (options.form.as) {
    case "table":
      return tableText([object], definition, options, {
        meta: { resourceVersion: object.metadata.resourceVersion ?? "" },
      });
    case "partial":
      return JSON.stringify(partial(object, options.form));
    default:
      return JSON.stringify(object);
  }
}

/** A list's text. */
export function listText(
  objects: readonly KubernetesObject[],
  definition: ResourceDefinition,
  options: FormOptions,
  meta: ListMeta,
): string {
  switch (options.form.as) {
    case "table":
      return tableText(objects, definition, options, { meta });
    case "partial": {
      const items = objects.map((object) => JSON.stringify(partial(object, options.form)));
      const head = `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${options.form.version}"`;
      return `${head},"metadata":${JSON.stringify(meta)},"items":[${items.join(",")}]}`;
    }
    default: {
      const items = objects.map((object) => itemText(object, definition));
      if (definition.custom === true) {
        const listMeta = JSON.stringify({ continue: "", ...meta });
        const tail = `"kind":"${definition.listKind}","metadata":${listMeta}}`;
        return `{"apiVersion":"${apiVersionOf(definition)}","items":[${items.join(",")}],${tail}`;
      }
      const head = `{"kind":"${definition.listKind}","apiVersion":"${apiVersionOf(definition)}"`;
      return `${head},"metadata":${JSON.stringify(meta)},"items":[${items.join(",")}]}`;
    }
  }
}

/** Items of built-in kinds say neither apiVersion nor kind; custom ones do. */
function itemText(object: KubernetesObject, definition: ResourceDefinition): string {
  const text = JSON.stringify(object);
  if (definition.custom === true) return text;
  const prefix = `{"apiVersion":"${apiVersionOf(definition)}","kind":"${definition.kind}",`;
  return text.startsWith(prefix) ? `{${text.slice(prefix.length)}` : text;
}

function partial(object: KubernetesObject, form: AcceptedForm) {
  const apiVersion = `meta.k8s.io/${form.as === "partial" ? form.version : "v1"}`;
  return { kind: "PartialObjectMetadata", apiVersion, metadata: object.metadata };
}

export function tableText(
  objects: readonly KubernetesObject[],
  definition: ResourceDefinition,
  options: FormOptions,
  { meta, withColumns = true }: { readonly meta: ListMeta; readonly withColumns?: boolean },
): string {
  const table = definition.table ?? defaultTable;
  const rows = objects.map((object) => {
    const cells = table.row(object, options.nowMs);
    if (options.includeObject === "None") return JSON.stringify({ cells, object: null });
    return JSON.stringify({
      cells,
      object: options.includeObject === "Object" ? object : partial(object, options.form),
    });
  });
  const columns = withColumns ? table.columns.map(columnOf) : null;
  const head = `{"kind":"Table","apiVersion":"meta.k8s.io/${options.form.version}","metadata":${JSON.stringify(meta)}`;
  return `${head},"columnDefinitions":${JSON.stringify(columns)},"rows":[${rows.join(",")}]}`;
}

function columnOf({ name, type, format, description, priority }: TableColumn) {
  return { name, type, format: format ?? "", description, priority };
}
