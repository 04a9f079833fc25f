// The container images that an object names. Pure.
import { at, listAt, stringAt } from "#base/json.ts";

const podSpecs: readonly (readonly string[])[] = [
  ["spec", "jobTemplate", "spec", "template", "spec"],
  ["spec", "template", "spec"],
];

/** Images of a workload's pod template (or of a pod), init containers first, each once; none where the spec is malformed. */
export function imagesOf(object: { readonly kind: string; readonly [field: string]: unknown }): readonly string[] {
  const paths = object.kind === "Pod" ? [["spec"]] : podSpecs;
  for (const path of paths) {
    const spec = at(object, ...path);
    if (spec === undefined) continue;
    const containers = [...listAt(spec, "initContainers"), ...listAt(spec, "containers")];
    const images = containers.flatMap((container) => stringAt(container, "image") ?? []);
    return [...new Set(images.filter((image) => image !== ""))];
  }
  return [];
}
