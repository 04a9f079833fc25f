// Manifests as tutorials print them: the API server takes them to the letter, and they deploy.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { parseAllDocuments } from "yaml";
import type { JsonObject } from "#base/json.ts";
import { silentLogger } from "#base/operation.ts";
import { parseApiVersion, type KubernetesObject } from "#model/object.ts";
import type { Files } from "../../support/repository.ts";
import { configMap, deployment, manifests, scenario, type Scenario, type Stage } from "../../support/scenario.ts";

const folder = join(import.meta.dirname, "..", "fixtures", "articles");
const documents = (file: string): KubernetesObject[] =>
  parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((document) => document.toJS() as KubernetesObject);

/** Server-side apply as a dry run, refusing fields that the API server does not know. */
async function accepted(stage: Stage, object: KubernetesObject): Promise<KubernetesObject> {
  const { client } = stage.kube;
  const op = { signal: AbortSignal.timeout(20_000), log: silentLogger };
  const type = await client.discovery.find(op, { ...parseApiVersion(object.apiVersion), kind: object.kind });
  if (!type) throw new Error(`the cluster does not know ${object.kind}`);
  const ref = { namespace: object.metadata.namespace!, name: object.metadata.name! };
  const options = { dryRun: true, fieldManager: "kubectl", force: true, fieldValidation: "Strict" } as const;
  return client.patch(op, type, ref, { type: "apply", body: object }, options);
}

/** The article's names and addresses turned into this scenario's own, the rest as it stands. */
function own(stage: Stage, url: string, object: KubernetesObject): KubernetesObject {
  const text = JSON.stringify(object)
    .replaceAll("https://git.example.com/deployments.git", url)
    .replaceAll(/"namespace":"(production|platform-api|test)"/g, `"namespace":"${stage.namespace}-$1"`)
    .replaceAll('"project":"platform"', `"project":"${stage.name}"`);
  const copy = JSON.parse(text) as KubernetesObject;
  const name = copy.kind === "AppProject" ? stage.name : `${stage.name}-${copy.metadata.name}`;
  return { ...copy, metadata: { ...copy.metadata, name, namespace: stage.up.namespace } };
}

export const articles: readonly Scenario[] = [
  scenario("articles: manifests are accepted as they are written", async (stage) => {
    for (const file of readdirSync(folder)) {
      for (const object of documents(file)) {
        const stored = await accepted(stage, object);
        // Nothing that was written is dropped.
        if (object.kind !== "Secret") expect(stored["spec"]).toMatchObject(object["spec"] as JsonObject);
        expect(stored.metadata).toMatchObject(object.metadata);
      }
    }
  }),

  scenario("articles: applications deploy what they point to", async (stage) => {
    const repository = await stage.repository();
    const mine = (file: string): KubernetesObject[] =>
      documents(file).map((object) => own(stage, repository.url, object));
    const [project, myApi] = mine("project-and-application.yaml");
    const [root, backend] = mine("app-of-apps.yaml");
    const singles = mine("minimal.yaml");
    const files: Files = {
      "apps/my-api/overlays/production/all.yaml": manifests(deployment("my-api"), configMap("my-api")),
      "apps/platform-api/overlays/production/all.yaml": manifests(deployment("platform-api")),
      "apps/test-api/all.yaml": manifests(deployment("test-api")),
      "kubernetes/backend-api/all.yaml": manifests(deployment("backend-api")),
      "argocd/apps/backend-api.yaml": manifests(backend!),
    };
    await repository.push(files);

    for (const object of [project!, myApi!, root!, ...singles]) await stage.kube.create(object);

    const apps = [myApi!, root!, backend!, ...singles].map(({ metadata }) => stage.existing(metadata.name!));
    await Promise.all(apps.map((app) => app.synced({ withinMs: 40_000 })));
    for (const [namespace, name] of [
      ["production", "my-api"],
      ["production", "backend-api"],
      ["platform-api", "platform-api"],
      ["test", "test-api"],
    ]) {
      await stage.live("Deployment", name!, ({ status }) => expect(status).toMatchObject({ readyReplicas: 1 }), {
        namespace: `${stage.namespace}-${namespace}`,
      });
    }
  }),
];
