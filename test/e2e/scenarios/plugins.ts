// Sources that a config management plugin renders: commands of the machine, in a folder that the program was told of.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { scenario, type Scenario, type Stage } from "../../support/scenario.ts";

/** Given: a plugin whose commands are this script; returns its name. */
function plugin(stage: Stage, script: string, discover?: { readonly fileName: string }): string {
  const file = join(stage.world.pluginCommands, `${stage.name}.yaml`);
  const spec = { generate: { command: ["sh", "-c", script] }, ...(discover ? { discover } : {}) };
  writeFileSync(file, JSON.stringify({ kind: "ConfigManagementPlugin", metadata: { name: stage.name }, spec }));
  stage.world.later(() => rmSync(file));
  return stage.name;
}

const configMap = 'printf "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: %s}\\ndata: {v: \\"%s\\"}\\n" web';
const says = (v: string) => (object: { readonly [name: string]: unknown }) => expect(object["data"]).toEqual({ v });

export const plugins: readonly Scenario[] = [
  scenario("a plugin renders a source from its files, variables and parameters", async (stage) => {
    const name = plugin(stage, `${configMap} "$(cat words) $ARGOCD_ENV_WHO $PARAM_SIZE in $ARGOCD_APP_NAMESPACE"`);
    const repository = await stage.repository({ "app/words": "hello" });
    const source = {
      repoURL: repository.url,
      targetRevision: "main",
      path: "app",
      plugin: { name, env: [{ name: "WHO", value: "you" }], parameters: [{ name: "size", string: "big" }] },
    };
    const app = await stage.application({ automated: true, spec: { source } });
    await app.synced();
    await stage.live("ConfigMap", "web", says(`hello you big in ${stage.namespace}`));
    expect((await app.get()).status?.sourceType).toBe("Plugin");
    await repository.push({ "app/words": "bye" });
    await app.refresh();
    await stage.live("ConfigMap", "web", says(`bye you big in ${stage.namespace}`));
  }),

  scenario("a hard refresh asks a plugin again, a normal one does not", async (stage) => {
    const outside = join(stage.world.pluginCommands, `${stage.name}.outside`);
    writeFileSync(outside, "first");
    stage.world.later(() => rmSync(outside));
    const name = plugin(stage, `${configMap} "$(cat ${outside})"`);
    const repository = await stage.repository({ "app/words": "hello" });
    const source = { repoURL: repository.url, targetRevision: "main", path: "app", plugin: { name } };
    const app = await stage.application({ automated: true, spec: { source } });
    await app.synced();
    await stage.live("ConfigMap", "web", says("first"));
    writeFileSync(outside, "second");
    await app.refresh();
    await stage.live("ConfigMap", "web", says("first"));
    await app.refresh("hard");
    await stage.live("ConfigMap", "web", says("second"));
  }),

  scenario("a plugin that fails says why, and goes on when it is mended", async (stage) => {
    const name = plugin(stage, `test -f words || { echo "there are no words" >&2; exit 4; }; ${configMap} ok`);
    const repository = await stage.repository({ "app/other": "x" });
    const source = { repoURL: repository.url, targetRevision: "main", path: "app", plugin: { name } };
    const app = await stage.application({ automated: true, spec: { source } });
    await app.condition("ComparisonError", [name, "exit code 4", "there are no words"]);
    await repository.push({ "app/words": "hello" });
    await app.synced();
    await stage.live("ConfigMap", "web", says("ok"));
  }),
];
