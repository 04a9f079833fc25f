// Prints an application's resources in the form that was asked for: table, tree or document. Shared by get, sync, wait.
import type { Application } from "#model/application.ts";
import type { ApiClient, AppRef } from "./server/api.ts";
import type { Context } from "./context.ts";
import { resourceStates, resourcesTable } from "./view/application.ts";
import { document } from "./view/print.ts";
import { treeText } from "./view/tree.ts";

export async function printApplication(
  context: Context,
  api: ApiClient,
  what: { readonly ref: AppRef; readonly app: Application; readonly output: string },
): Promise<void> {
  const { ref, app, output } = what;
  if (output === "json" || output === "yaml") {
    context.out.write(await document(app, output));
  } else if (output.startsWith("tree")) {
    const tree = await api.applications.tree(context.op, ref);
    if ((tree.nodes ?? []).length === 0) return;
    const nowMs = output === "tree=detailed" ? context.clock.now() : undefined;
    context.out.write(`\n${treeText(tree, resourceStates(app), nowMs)}`);
  } else if ((app.status?.resources ?? []).length > 0) {
    context.out.write(`\n${resourcesTable(app)}`);
  }
}
