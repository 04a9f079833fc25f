// A new application: a short form, or the whole resource as YAML. Each side is written from the other when changing over.
import { lazy, Suspense, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { createApplication } from "../api/applications.ts";
import { useAction } from "../common/action.ts";
import { Button } from "../common/button.tsx";
import { Dialog } from "../common/dialog.tsx";
import { applicationAddress } from "../common/list-address.ts";
import { applicationOf, emptyDraft, type ApplicationDraft } from "../model/draft.ts";
import type { AppRow } from "../model/row.ts";
import { DraftForm } from "./draft-form.tsx";

// The YAML library is large and rarely needed here.
const YamlEditor = lazy(async () => ({ default: (await import("./yaml-editor.tsx")).YamlEditor }));

export interface NewApplicationDialogProps {
  /** Applications that exist: their projects, clusters and repositories are suggested. */
  readonly rows: readonly AppRow[];
  readonly onClose: () => void;
}

export function NewApplicationDialog({ rows, onClose }: NewApplicationDialogProps) {
  const [, navigate] = useLocation();
  const action = useAction();
  const [draft, setDraft] = useState<ApplicationDraft>(emptyDraft);
  const [mode, setMode] = useState<"form" | "yaml">("form");
  const [edited, setEdited] = useState<{ readonly value?: unknown; readonly problem?: string }>({});
  const first = useMemo(() => applicationOf(draft), [draft]);
  const problem = mode === "yaml" ? edited.problem : undefined;
  const create = async (): Promise<void> => {
    const wanted = mode === "yaml" ? (edited.value ?? first) : first;
    let made = { namespace: "", name: "" };
    const went = await action.run(
      async () => {
        const { metadata } = await createApplication(wanted);
        made = { namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
      },
      { quiet: true },
    );
    if (!went) return;
    onClose();
    navigate(applicationAddress(made));
  };
  return (
    <Dialog
      title="New application"
      wide
      onClose={onClose}
      onSubmit={() => void create()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={action.busy} disabled={problem !== undefined}>
            Create
          </Button>
        </>
      }
    >
      <div className="switch" role="group" aria-label="How to write it">
        <Button aria-pressed={mode === "form"} onClick={() => setMode("form")}>
          Form
        </Button>
        <Button aria-pressed={mode === "yaml"} onClick={() => setMode("yaml")}>
          YAML
        </Button>
      </div>
      {(problem ?? action.error) && (
        <p className="message message-bad" role="alert">
          {problem ?? action.error}
        </p>
      )}
      {mode === "form" ? (
        <DraftForm draft={draft} rows={rows} onChange={setDraft} />
      ) : (
        <Suspense fallback={<div className="skeleton" style={{ height: 320 }} />}>
          <YamlEditor label="Application as YAML" value={first} onChange={setEdited} />
        </Suspense>
      )}
    </Dialog>
  );
}
