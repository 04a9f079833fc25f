// The one list of scenarios. A new file of scenarios is added here and nowhere else.
import type { Scenario } from "../../support/scenario.ts";
import { badInput } from "./bad-input.ts";
import { basics } from "./basics.ts";
import { hooks } from "./hooks.ts";
import { following } from "./revisions.ts";
import { syncing } from "./syncing.ts";

export const scenarios: readonly Scenario[] = [...basics, ...syncing, ...hooks, ...following, ...badInput];
