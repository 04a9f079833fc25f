// How one application's objects are compared: its own ignore rules, those of `argocd-cm`, and the method. Pure.
import type { Application } from "#model/application.ts";
import type { ObjectKey } from "#model/object.ts";
import type { Settings } from "#model/settings.ts";
import { fieldManager } from "#model/names.ts";
import type { CompareSettings } from "#core/compare/compare.ts";
import { compileIgnore, rulesFor } from "#core/compare/ignore.ts";

/** Takes an application and the settings; returns for each key how it is compared. Rules are compiled once. */
export function compareSettings(app: Application, settings: Settings): (key: ObjectKey) => CompareSettings {
  const options = new Set(app.spec.syncPolicy?.syncOptions ?? []);
  const shared: CompareSettings = {
    ignore: [],
    method: options.has("ServerSideApply=true") ? "structured-merge" : "three-way",
    manager: fieldManager,
    status: settings.compareOptions.ignoreResourceStatusField === "none" ? "compare" : "ignore",
  };
  const rules = compileIgnore(app.spec.ignoreDifferences ?? []);
  if (rules.length === 0) return () => shared;
  return (key) => ({ ...shared, ignore: rulesFor(rules, key) });
}
