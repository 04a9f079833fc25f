// Another password for who is logged in. Sessions of before end with it: this one is begun anew.
import { useState } from "react";
import { changePassword } from "../api/administration.ts";
import { useAction } from "../common/action.ts";
import { Button } from "../common/button.tsx";
import { Dialog } from "../common/dialog.tsx";
import { useServices } from "../live/context.ts";

export interface ChangePasswordDialogProps {
  readonly username: string;
  readonly onClose: () => void;
}

export function ChangePasswordDialog({ username, onClose }: ChangePasswordDialogProps) {
  const { session, toasts } = useServices();
  const action = useAction();
  const [current, setCurrent] = useState("");
  const [wanted, setWanted] = useState("");
  const [repeated, setRepeated] = useState("");
  const differs = repeated !== "" && repeated !== wanted;
  const change = async (): Promise<void> => {
    const went = await action.run(
      async () => {
        await changePassword(username, current, wanted);
        await session.logIn(username, wanted);
      },
      { quiet: true },
    );
    if (!went) return;
    toasts.show("good", "The password has been changed.");
    onClose();
  };
  const field = (label: string, value: string, set: (value: string) => void, complete: string) => (
    <label className="field">
      <span>{label}</span>
      <input
        type="password"
        autoComplete={complete}
        value={value}
        required
        onChange={(event) => set(event.target.value)}
      />
    </label>
  );
  return (
    <Dialog
      title={`Change the password of ${username}`}
      onClose={onClose}
      onSubmit={() => void change()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={action.busy} disabled={wanted === "" || repeated !== wanted}>
            Change
          </Button>
        </>
      }
    >
      {(action.error ?? differs) && (
        <p className="message message-bad" role="alert">
          {action.error ?? "The new password is not the same twice."}
        </p>
      )}
      {field("Current password", current, setCurrent, "current-password")}
      {field("New password", wanted, setWanted, "new-password")}
      {field("New password again", repeated, setRepeated, "new-password")}
    </Dialog>
  );
}
