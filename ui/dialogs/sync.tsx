// Syncing: to which revision, what of it, and how.
import { RotateCw } from "lucide-react";
import { useState } from "react";
import { sourcesOf, type Application } from "#model/application.ts";
import { syncApplication, type AppId } from "../api/applications.ts";
import { useAction } from "../common/action.ts";
import { Button } from "../common/button.tsx";
import { Dialog } from "../common/dialog.tsx";
import type { Resource } from "../model/tree.ts";
import { SyncResources } from "./sync-resources.tsx";

export interface SyncDialogProps {
  readonly application: Application;
  readonly id: AppId;
  readonly resources: readonly Resource[];
  readonly onClose: () => void;
}

type Flag = "prune" | "dryRun" | "applyOnly" | "force";
const flags: readonly (readonly [Flag, string, string])[] = [
  ["prune", "Prune", "remove what Git does not have any more"],
  ["dryRun", "Dry run", "only see what would be done"],
  ["applyOnly", "Apply only", "without hooks"],
  ["force", "Force", "replace objects that cannot be changed in place"],
];

const options: readonly (readonly [string, string, string])[] = [
  ["CreateNamespace=true", "Create the namespace", "where it does not exist"],
  ["ServerSideApply=true", "Server-side apply", "fields keep their owners"],
  ["ApplyOutOfSyncOnly=true", "Only what is out of sync", "quicker for large applications"],
  ["PruneLast=true", "Prune last", "after all else is healthy"],
  ["Replace=true", "Replace", "instead of applying; may restart things"],
];

export function SyncDialog({ application, id, resources, onClose }: SyncDialogProps) {
  const { spec } = application;
  const action = useAction();
  const followed = sourcesOf(spec)[0]?.targetRevision ?? "";
  const managed = resources.filter((resource) => resource.status && !resource.status.hook);
  const [revision, setRevision] = useState(followed);
  const [chosenFlags, setFlags] = useState<Partial<Record<Flag, boolean>>>({
    prune: spec.syncPolicy?.automated?.prune ?? false,
  });
  const [chosenOptions, setOptions] = useState<readonly string[]>(spec.syncPolicy?.syncOptions ?? []);
  const [picked, setPicked] = useState<ReadonlySet<string>>(() => new Set(managed.map((each) => each.key)));
  const partial = picked.size < managed.length;
  const start = async (): Promise<void> => {
    const refs = managed
      .filter((each) => picked.has(each.key))
      .map(({ node: { group, kind, namespace, name } }) => ({
        kind,
        name,
        ...(group ? { group } : {}),
        ...(namespace ? { namespace } : {}),
      }));
    const went = await action.run(
      () =>
        syncApplication(id, {
          ...chosenFlags,
          ...(revision !== followed ? { revision } : {}),
          ...(partial ? { resources: refs } : {}),
          syncOptions: chosenOptions,
        }),
      { done: chosenFlags.dryRun ? "Dry run started." : "Sync started.", quiet: true },
    );
    if (went) onClose();
  };
  const toggleOption = (option: string): void =>
    setOptions((now) => (now.includes(option) ? now.filter((each) => each !== option) : [...now, option]));
  return (
    <Dialog
      title={`Sync ${id.name}`}
      onClose={onClose}
      onSubmit={() => void start()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            data-autofocus
            look="primary"
            icon={RotateCw}
            busy={action.busy}
            disabled={picked.size === 0 && managed.length > 0}
          >
            {chosenFlags.dryRun ? "Dry run" : partial ? `Sync ${picked.size} of ${managed.length}` : "Sync"}
          </Button>
        </>
      }
    >
      {action.error && (
        <p className="message message-bad" role="alert">
          {action.error}
        </p>
      )}
      <label className="field">
        <span>Revision: branch, tag or commit</span>
        <input
          type="text"
          value={revision}
          placeholder="HEAD"
          spellCheck={false}
          onChange={(event) => setRevision(event.target.value)}
        />
      </label>
      <div className="checks" role="group" aria-label="How">
        {flags.map(([flag, word, note]) => (
          <label key={flag} className="check">
            <input
              type="checkbox"
              checked={chosenFlags[flag] ?? false}
              onChange={(event) => setFlags({ ...chosenFlags, [flag]: event.target.checked })}
            />
            <span>
              {word}
              <small>{note}</small>
            </span>
          </label>
        ))}
      </div>
      <details>
        <summary>Sync options{chosenOptions.length > 0 && ` (${chosenOptions.length})`}</summary>
        <div className="checks" role="group" aria-label="Sync options">
          {options.map(([option, word, note]) => (
            <label key={option} className="check">
              <input type="checkbox" checked={chosenOptions.includes(option)} onChange={() => toggleOption(option)} />
              <span>
                {word}
                <small>{note}</small>
              </span>
            </label>
          ))}
        </div>
      </details>
      {managed.length > 0 && <SyncResources resources={managed} picked={picked} onPicked={setPicked} />}
    </Dialog>
  );
}
