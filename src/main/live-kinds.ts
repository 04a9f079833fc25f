// Which kinds the live caches watch, and what is noted of their objects, as the settings say; again when they change.
import { healthScripts } from "#core/health/custom.ts";
import { isExcluded } from "#core/policy/watched-kinds.ts";
import type { Clusters } from "#kube/clusters.ts";
import { defaultInclude } from "#kube/live.ts";
import type { GroupKind } from "#model/object.ts";
import type { Settings } from "#model/settings.ts";

/** Whether a kind is left out on a cluster; where the settings exclude nothing, the documented defaults hold. */
export function excludedBy(settings: Settings, kind: GroupKind, server: string): boolean {
  return isExcluded(settings, kind, server) || (settings.defaultExclusions && !defaultInclude(kind));
}

/** Tells the caches of clusters when the settings change what they watch or note. `changes` calls back on each change. */
export function reconsiderOnChange(
  settings: () => Settings,
  changes: (listener: () => void) => void,
  clusters: Clusters,
): void {
  let before = settings();
  let watched = watchedText(before);
  changes(() => {
    const now = settings();
    const text = watchedText(now);
    if (text === watched) return;
    const labels = JSON.stringify(before.customLabels) !== JSON.stringify(now.customLabels);
    const [old, scripts] = [healthScripts(before.resourceCustomizations), healthScripts(now.resourceCustomizations)];
    before = now;
    watched = text;
    for (const { cache } of clusters.started()) {
      cache.reconsider(({ group, kind }) => {
        if (labels) return true;
        const [was, is] = [old.find(group, kind), scripts.find(group, kind)];
        return was?.text !== is?.text || was?.allLibraries !== is?.allLibraries;
      });
    }
  });
}

function watchedText(settings: Settings): string {
  const { resourceExclusions, resourceInclusions, defaultExclusions, customLabels, respectRbac } = settings;
  const scripts = settings.resourceCustomizations.filter(({ field }) => field === "health" || field === "useOpenLibs");
  return JSON.stringify([
    resourceExclusions,
    resourceInclusions,
    defaultExclusions,
    customLabels,
    respectRbac,
    scripts,
  ]);
}
