// CustomResourceDefinitions' status: names accepted, established, stored versions. Where the API has set it already,
// there is nothing to do. Source: Kubernetes, "Extend the Kubernetes API with CustomResourceDefinitions".
import type { KubernetesObject } from "#model/object.ts";
import type { Context, Controller } from "./support/controller.ts";
import { itself, splitKey } from "./support/controller.ts";
import {
  conditionOf,
  deleting,
  kinds,
  nowText,
  withCondition,
  writeStatus,
  type Condition,
} from "./support/objects.ts";

interface Definition extends KubernetesObject {
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly plural: string;
      readonly singular?: string;
      readonly listKind?: string;
    };
    readonly versions: readonly { readonly name: string; readonly storage?: boolean }[];
  };
  readonly status?: { readonly conditions?: readonly Condition[]; readonly storedVersions?: readonly string[] };
}

export function definitionController(context: Context): Controller {
  return {
    name: "customresourcedefinition-controller",
    watches: [itself(kinds.customResourceDefinition)],
    reconcile: (key) => {
      const [, name] = splitKey(key);
      const found = context.client.get(kinds.customResourceDefinition, "", name) as Definition | undefined;
      if (found === undefined || deleting(found)) return undefined;
      if (conditionOf(found.status, "Established")?.status !== "True") establish(context, found);
      return undefined;
    },
  };
}

function establish(context: Context, definition: Definition): void {
  const { names, versions } = definition.spec;
  const now = nowText(context);
  let conditions = definition.status?.conditions ?? [];
  conditions = withCondition(
    conditions,
    { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" },
    now,
  );
  conditions = withCondition(
    conditions,
    {
      type: "Established",
      status: "True",
      reason: "InitialNamesAccepted",
      message: "the initial names have been accepted",
    },
    now,
  );
  const stored = versions.find((each) => each.storage === true)?.name;
  const before = definition.status?.storedVersions ?? [];
  const storedVersions = stored === undefined || before.includes(stored) ? before : [...before, stored];
  const acceptedNames = {
    ...names,
    singular: names.singular ?? names.kind.toLowerCase(),
    listKind: names.listKind ?? `${names.kind}List`,
  };
  writeStatus(context, definition, { ...definition.status, conditions, acceptedNames, storedVersions });
}
