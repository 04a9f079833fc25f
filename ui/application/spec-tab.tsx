// The application's spec as YAML, to read and to change.
import { useEffect, useState } from "react";
import type { Application, ApplicationSpec } from "#model/application.ts";
import { updateSpec, type AppId } from "../api/applications.ts";
import { useAction } from "../common/action.ts";
import { Button } from "../common/button.tsx";
import { YamlEditor } from "../dialogs/yaml-editor.tsx";
import { yamlOf } from "../model/yaml.ts";
import { YamlText } from "../resource/yaml-text.tsx";

export interface SpecTabProps {
  readonly application: Application;
  readonly id: AppId;
  readonly onSaved: () => void;
}

export function SpecTab({ application, id, onSaved }: SpecTabProps) {
  const [editing, setEditing] = useState(false);
  const [edited, setEdited] = useState<{ readonly value?: unknown; readonly problem?: string }>({});
  const action = useAction();
  useEffect(() => setEdited({}), [editing]);
  const owner = application.metadata.annotations?.["argocd.argoproj.io/tracking-id"]?.split(":")[0];
  const save = async (): Promise<void> => {
    if (edited.value === undefined) return setEditing(false);
    const went = await action.run(() => updateSpec(id, edited.value as ApplicationSpec), {
      done: "Saved.",
      quiet: true,
    });
    if (!went) return;
    setEditing(false);
    onSaved();
  };
  return (
    <section className="spec" aria-label="Spec">
      {owner && (
        <p className="message message-warn">
          This application is itself deployed from Git, by the application {owner}: what you change here lasts until{" "}
          {owner} syncs.
        </p>
      )}
      {editing && (edited.problem ?? action.error) && (
        <p className="message message-bad" role="alert">
          {edited.problem ?? action.error}
        </p>
      )}
      <div className="manifest-tools">
        <span className="grow" />
        {editing ? (
          <>
            <Button onClick={() => setEditing(false)}>Cancel</Button>
            <Button
              look="primary"
              busy={action.busy}
              disabled={edited.problem !== undefined}
              onClick={() => void save()}
            >
              Save
            </Button>
          </>
        ) : (
          <Button onClick={() => setEditing(true)}>Edit</Button>
        )}
      </div>
      {editing ? (
        <YamlEditor label="Spec as YAML" value={application.spec} onChange={setEdited} />
      ) : (
        <YamlText text={yamlOf(application.spec)} />
      )}
    </section>
  );
}
