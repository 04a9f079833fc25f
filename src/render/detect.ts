// Which type a source has: what its spec says, else what its folder holds. Source: Argo CD's "Tool Detection". Pure.
import { DriftlessError } from "#base/errors.ts";
import type { ApplicationSource, SourceType } from "#model/application.ts";

const kustomizations = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/** The type that the spec names; undefined where it leaves it open. Error: SPEC_INVALID where it names two. */
export function explicitType(source: ApplicationSource): SourceType | undefined {
  const named: SourceType[] = [];
  if (isSet(source.kustomize)) named.push("Kustomize");
  if (isSet(source.helm)) named.push("Helm");
  if (isSet(source.directory)) named.push("Directory");
  if (source.plugin !== undefined) named.push("Plugin");
  if (named.length > 1)
    throw new DriftlessError("SPEC_INVALID", `spec.source names several types: ${named.join(", ")}`, {
      details: { field: "spec.source" },
    });
  return named[0];
}

/** An empty block says nothing, as in Argo CD. */
function isSet(block: object | undefined): boolean {
  return (
    block !== undefined &&
    Object.values(block).some(
      (value) =>
        value !== undefined &&
        value !== null &&
        value !== "" &&
        value !== false &&
        !(Array.isArray(value) && value.length === 0),
    )
  );
}

/** The type by the names in the source's folder. */
export function detectedType(names: ReadonlySet<string>): SourceType {
  // Argo CD's documentation names Helm first; where both are there, it builds the kustomization.
  if (kustomizations.some((name) => names.has(name))) return "Kustomize";
  if (names.has("Chart.yaml")) return "Helm";
  return "Directory";
}
