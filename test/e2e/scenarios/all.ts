// The one list of scenarios. A new file of scenarios is added here and nowhere else.
import type { Scenario } from "../../support/scenario.ts";
import { basics } from "./basics.ts";

export const scenarios: readonly Scenario[] = [...basics];
