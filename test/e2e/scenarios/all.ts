// The one list of scenarios. A new file of scenarios is added here and nowhere else.
import type { Scenario } from "../../support/scenario.ts";
import { applications } from "./applications.ts";
import { articles } from "./articles.ts";
import { asking } from "./asking.ts";
import { badInput } from "./bad-input.ts";
import { badSyncs } from "./bad-syncs.ts";
import { basics } from "./basics.ts";
import { beside } from "./beside.ts";
import { diffing } from "./diffing.ts";
import { deletion } from "./deletion.ts";
import { health } from "./health.ts";
import { hooks } from "./hooks.ts";
import { liveObjects } from "./live-objects.ts";
import { namespaces } from "./namespaces.ts";
import { ordering } from "./ordering.ts";
import { plans } from "./plans.ts";
import { plugins } from "./plugins.ts";
import { previews } from "./previews.ts";
import { projects } from "./projects.ts";
import { registries } from "./registries.ts";
import { restart } from "./restart.ts";
import { following } from "./revisions.ts";
import { settingsScenarios } from "./settings.ts";
import { serving } from "./serving.ts";
import { syncOptions } from "./sync-options.ts";
import { syncing } from "./syncing.ts";
import { tracking } from "./tracking.ts";

export const scenarios: readonly Scenario[] = [
  ...restart,
  ...basics,
  ...syncing,
  ...hooks,
  ...plans,
  ...plugins,
  ...previews,
  ...ordering,
  ...namespaces,
  ...projects,
  ...following,
  ...liveObjects,
  ...registries,
  ...beside,
  ...health,
  ...diffing,
  ...tracking,
  ...applications,
  ...articles,
  ...asking,
  ...badInput,
  ...deletion,
  ...badSyncs,
  ...syncOptions,
  ...serving,
  ...settingsScenarios,
];
