// What resource actions need of the rest of the program: types only.
import type { AppProject } from "#model/application.ts";
import type { Settings } from "#model/settings.ts";
import type { Evaluators } from "#render/engine/evaluate.ts";

/** What actions need of the rest of the program. */
export interface ActionMeans {
  readonly evaluators: Pick<Evaluators, "lua" | "expr" | "templates">;
  settings(): Settings;
  project(name: string): AppProject | undefined;
}
