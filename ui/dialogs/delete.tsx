// Deleting an application: its name typed, and what becomes of what it deployed.
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { deleteApplication, type AppId, type Cascade } from "../api/applications.ts";
import { useAction } from "../common/action.ts";
import { Button } from "../common/button.tsx";
import { Dialog } from "../common/dialog.tsx";

export interface DeleteDialogProps {
  readonly id: AppId;
  readonly onClose: () => void;
}

const choices: readonly (readonly [Cascade, string, string])[] = [
  ["foreground", "Delete its resources", "and wait until what they own is gone as well"],
  ["background", "Delete its resources in the background", "what they own is removed afterwards"],
  ["orphan", "Keep its resources", "they go on running, managed by nobody"],
];

export function DeleteDialog({ id, onClose }: DeleteDialogProps) {
  const action = useAction();
  const [typed, setTyped] = useState("");
  const [cascade, setCascade] = useState<Cascade>("foreground");
  const start = async (): Promise<void> => {
    if (typed !== id.name) return;
    const went = await action.run(() => deleteApplication(id, cascade), { done: `Deleting ${id.name}.`, quiet: true });
    if (went) onClose();
  };
  return (
    <Dialog
      title={`Delete ${id.name}`}
      onClose={onClose}
      onSubmit={() => void start()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="danger" icon={Trash2} busy={action.busy} disabled={typed !== id.name}>
            Delete
          </Button>
        </>
      }
    >
      {action.error && (
        <p className="message message-bad" role="alert">
          {action.error}
        </p>
      )}
      <div className="field" role="radiogroup" aria-label="Its resources">
        {choices.map(([value, word, note]) => (
          <label key={value} className="check">
            <input type="radio" name="cascade" checked={cascade === value} onChange={() => setCascade(value)} />
            <span>
              {word}
              <small>{note}</small>
            </span>
          </label>
        ))}
      </div>
      <label className="field">
        <span>Type {id.name} to confirm</span>
        <input
          type="text"
          value={typed}
          data-autofocus
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          onChange={(event) => setTyped(event.target.value)}
        />
      </label>
    </Dialog>
  );
}
