// `driftless admin import`: brings back what `admin export` (ours or argocd's) wrote. The whole stream is read and checked
// before anything is written; nothing is deleted but with --prune, and never settings.
import { DriftlessError, toError } from "#base/errors.ts";
import { rfc3339 } from "#base/ports.ts";
import { formatDuration } from "#model/duration.ts";
import { keyOf, keyText, type KubernetesObject } from "#model/object.ts";
import { isApplicationNamespace } from "#core/policy/project.ts";
import type { ResourcePath } from "#kube/types.ts";
import { targetFlags } from "../../admin/flags.ts";
import { installation, namespaceFlags, namespacesOf, type Namespaces } from "../../admin/objects.ts";
import { onCluster, types, type AdminTarget } from "../../admin/target.ts";
import { agreed } from "../../asking.ts";
import { hasLabel, kindOf, restore } from "../../admin/backup.ts";
import { readBackup } from "../../admin/backup-file.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { readPlace } from "../../local/files.ts";
import { bool, text, type FlagValues, type Flags } from "../../flags.ts";

const flags = {
  ...targetFlags,
  ...namespaceFlags,
  "dry-run": bool("Write nothing: tell what would be written"),
  prune: bool("Delete Secrets, projects, applications and ApplicationSets that are not in the backup"),
  "stop-operation": bool("End operations that run"),
  "ignore-tracking": bool("Objects that are tracked by an application stay so"),
  "override-on-conflict": bool("Try again where somebody else changed an object meanwhile"),
  "skip-resources-with-label": text("Leave out objects with this label, KEY=VALUE"),
} as const satisfies Flags;

type Values = FlagValues<typeof flags>;

const pathOf: Readonly<Record<string, ResourcePath>> = {
  "/ConfigMap": types.configMap,
  "/Secret": types.secret,
  "argoproj.io/AppProject": types.project,
  "argoproj.io/Application": types.application,
  "argoproj.io/ApplicationSet": types.applicationSet,
};

export default command({
  usage: "SOURCE",
  about:
    "SOURCE is a file, or - for standard input. With --verbose it tells also of what stays as it is, and which fields change. Ends with 1 where something could not be written. Applications that are pruned leave their objects on the clusters.",
  examples: [
    ["What would change", "driftless admin import -n argocd backup.yaml --dry-run --verbose"],
    ["Do it", "driftless admin import -n argocd backup.yaml"],
  ],
  flags,
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    const content = await readPlace(context, args[0]!);
    const backup = await readBackup(args[0]!, content);
    return onCluster(context, values, async (target) => {
      const started = context.clock.monotonic();
      context.out.line(`import process started ${target.namespace}`);
      const failures = await new Import(context, target, { values, given }).run(backup);
      const took = formatDuration(Math.round(context.clock.monotonic() - started));
      const at = rfc3339(context.clock.now());
      if (failures === 0)
        context.out.line(
          `Import process completed successfully in namespace ${target.namespace} at ${at}, duration: ${took}`,
        );
      else context.err.line(`Import process completed in namespace ${target.namespace} with ${failures} failures`);
      return failures === 0 ? 0 : 1;
    });
  },
});

class Import {
  readonly #context: Context;
  readonly #target: AdminTarget;
  readonly #values: Values;
  readonly #given: ReadonlySet<string>;
  readonly #dry: string;
  #failures = 0;

  constructor(
    context: Context,
    target: AdminTarget,
    { values, given }: { readonly values: Values; readonly given: ReadonlySet<string> },
  ) {
    this.#context = context;
    this.#target = target;
    this.#values = values;
    this.#given = given;
    this.#dry = values["dry-run"] ? " (dry run)" : "";
  }

  /** How many objects could not be written. */
  async run(backup: readonly KubernetesObject[]): Promise<number> {
    const { op, err } = this.#context;
    const namespaces = await namespacesOf(op, this.#target, this.#values);
    const found = await installation(op, this.#target, namespaces, (sentence) =>
      err.line(`warning: ${sentence}`),
    ).catch((thrown: unknown) => {
      // A new installation has no settings yet.
      if (toError(thrown).code !== "NOT_FOUND") throw thrown;
      return undefined;
    });
    const { configMaps = [], secrets = [], projects = [], applications = [], applicationSets = [] } = found ?? {};
    const live = [...configMaps, ...secrets, ...projects, ...applications, ...applicationSets];
    const left = new Map(live.map((object) => [keyText(keyOf(object)), object]));
    for (const written of backup) await this.#bringBack(written, left, namespaces);
    for (const object of left.values()) await this.#prune(object);
    return this.#failures;
  }

  async #bringBack(
    written: KubernetesObject,
    left: Map<string, KubernetesObject>,
    namespaces: Namespaces,
  ): Promise<void> {
    const { out, err, op } = this.#context;
    const { verbose } = this.#context.global;
    const namespace = written.metadata.namespace || this.#target.namespace;
    const object = { ...written, metadata: { ...written.metadata, namespace } };
    const key = keyText(keyOf(object));
    const known = left.get(key);
    left.delete(key);
    const what = `${kindOf(object)} ${object.metadata.name}`;
    const place = `${what} in namespace ${namespace}`;
    if (hasLabel(object, this.#values["skip-resources-with-label"])) {
      out.line(`Skipping ${place}`);
      return;
    }
    if (!this.#isEnabled(object, namespaces)) {
      err.line(
        `warning: ${place} is not imported: applications of that namespace do not count (--application-namespaces)`,
      );
      return;
    }
    const type = pathOf[kindOf(object)]!;
    const live = known ?? (await this.#target.client.get(op, type, { namespace, name: object.metadata.name ?? "" }));
    if (!live) {
      if (await this.#write(what, () => this.#target.client.create(op, type, object, { fieldManager })))
        out.line(`${place} created${this.#dry}`);
      return;
    }
    const { object: wanted, changes } = restore(object, live, {
      stopOperation: this.#values["stop-operation"],
      ignoreTracking: this.#values["ignore-tracking"],
    });
    if (changes.length === 0) {
      if (verbose) out.line(`${what} unchanged${this.#dry}`);
      return;
    }
    if (!(await this.#write(what, () => this.#replace(place, type, wanted)))) return;
    out.line(`${place} updated${this.#dry}`);
    if (verbose) for (const change of changes) out.line(`  ${change}`);
  }

  #isEnabled({ metadata, kind }: KubernetesObject, { applications, applicationSets }: Namespaces): boolean {
    const patterns = kind === "Application" ? applications : kind === "ApplicationSet" ? applicationSets : undefined;
    return !patterns || isApplicationNamespace(patterns, metadata.namespace ?? "", this.#target.namespace);
  }

  async #replace(place: string, type: ResourcePath, wanted: KubernetesObject): Promise<void> {
    const { op, out } = this.#context;
    const { client } = this.#target;
    const { name = "", namespace = "" } = wanted.metadata;
    for (let attempt = 1, object = wanted; ; attempt++) {
      try {
        await client.replace(op, type, object, { fieldManager });
        return;
      } catch (thrown) {
        const error = toError(thrown);
        if (error.code !== "CONFLICT") throw error;
        out.line(`failed to update ${place}: ${error.message}`);
        if (!this.#values["override-on-conflict"] || attempt > 5)
          throw new DriftlessError(
            "CONFLICT",
            `${place} was changed by somebody else: import again, or give --override-on-conflict`,
            { cause: error },
          );
        const now = await client.get(op, type, { namespace, name });
        if (!now) throw error;
        const { resourceVersion = "" } = now.metadata;
        object = { ...wanted, metadata: { ...wanted.metadata, resourceVersion } };
      }
    }
  }

  /** What may not be written, or has no place to go, does not hold up the rest. */
  async #write(what: string, write: () => Promise<unknown>): Promise<boolean> {
    if (this.#values["dry-run"]) return true;
    try {
      await write();
      return true;
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code !== "PERMISSION_DENIED" && error.code !== "NOT_FOUND") throw error;
      this.#failures++;
      this.#context.err.line(`warning: ${what}: ${error.message}`);
      return false;
    }
  }

  async #prune(object: KubernetesObject): Promise<void> {
    const { op, out } = this.#context;
    const what = `${kindOf(object)} ${object.metadata.name}`;
    if (hasLabel(object, this.#values["skip-resources-with-label"])) return;
    if (!this.#values.prune) {
      out.line(`${what} needs pruning`);
      return;
    }
    if (object.kind === "ConfigMap" || object.metadata.name === "argocd-secret") {
      out.line(`${what} is not in the backup; settings are not pruned`);
      return;
    }
    if (!this.#values["dry-run"]) {
      const question = `Are you sure you want to prune ${what} ? [y/n]`;
      if (!(await agreed(this.#context, this.#given, question))) {
        out.line(`The command to prune ${what} was cancelled.`);
        return;
      }
    }
    if (await this.#write(what, () => this.#delete(op, object))) out.line(`${what} pruned${this.#dry}`);
  }

  /** The very object that was read; of applications alone: what they deployed stays. */
  async #delete(op: Context["op"], object: KubernetesObject): Promise<void> {
    const { client } = this.#target;
    const { name = "", namespace = "", uid } = object.metadata;
    const type = pathOf[kindOf(object)]!;
    const ofApplications = object.kind === "Application" || object.kind === "ApplicationSet";
    if (ofApplications && object.metadata.finalizers?.length) {
      const body = { metadata: { uid, finalizers: null } };
      await client.patch(op, type, { namespace, name }, { type: "merge", body }, { fieldManager });
    }
    const propagation = object.kind === "ApplicationSet" ? ({ propagationPolicy: "Orphan" } as const) : {};
    await client.delete(op, type, { namespace, name }, { ...(uid === undefined ? {} : { uid }), ...propagation });
  }
}

const fieldManager = "driftless";
