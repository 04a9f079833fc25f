// Going back to a deployment of the history. Automated sync would undo it, so it can be turned off first, here.
import { Undo2 } from "lucide-react";
import { useState } from "react";
import type { Application, RevisionHistory } from "#model/application.ts";
import { rollbackApplication, updateSpec, type AppId } from "../api/applications.ts";
import { useAction } from "../common/action.ts";
import { Button } from "../common/button.tsx";
import { Dialog } from "../common/dialog.tsx";
import { shortRevision } from "../model/text.ts";

export interface RollbackDialogProps {
  readonly application: Application;
  readonly id: AppId;
  readonly entry: RevisionHistory;
  readonly onClose: () => void;
}

export function RollbackDialog({ application, id, entry, onClose }: RollbackDialogProps) {
  const action = useAction();
  const [prune, setPrune] = useState(true);
  const { spec } = application;
  const automated = spec.syncPolicy?.automated !== undefined && spec.syncPolicy.automated.enabled !== false;
  const start = async (): Promise<void> => {
    const went = await action.run(
      async () => {
        if (automated) {
          const { automated: _automated, ...syncPolicy } = spec.syncPolicy;
          await updateSpec(id, { ...spec, syncPolicy });
        }
        await rollbackApplication(id, entry.id, prune);
      },
      { done: `Rolling back to #${entry.id}.`, quiet: true },
    );
    if (went) onClose();
  };
  return (
    <Dialog
      title={`Roll back to #${entry.id}`}
      onClose={onClose}
      onSubmit={() => void start()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" data-autofocus look="primary" icon={Undo2} busy={action.busy}>
            {automated ? "Turn off automated sync and roll back" : "Roll back"}
          </Button>
        </>
      }
    >
      {action.error && (
        <p className="message message-bad" role="alert">
          {action.error}
        </p>
      )}
      <p>
        {id.name} goes back to revision <code>{shortRevision(entry.revision ?? "")}</code>. Git stays as it is, so the
        application will be OutOfSync afterwards.
      </p>
      {automated && (
        <p className="message message-warn">
          Automated sync is on, and would bring the newest revision straight back. It is turned off first; turn it on
          again in Spec when Git is right.
        </p>
      )}
      <label className="check">
        <input type="checkbox" checked={prune} onChange={() => setPrune(!prune)} />
        <span>
          Prune
          <small>remove what that revision did not have</small>
        </span>
      </label>
    </Dialog>
  );
}
