// The operation: what runs now and what it waits for, or how the last one ended where it ended badly.
import { OctagonX } from "lucide-react";
import type { Application, OperationState } from "#model/application.ts";
import { terminateOperation, type AppId } from "../api/applications.ts";
import { useAction } from "../common/action.ts";
import { Ago } from "../common/ago.tsx";
import { Button } from "../common/button.tsx";
import { Status } from "../common/status.tsx";
import { Waiting } from "./waiting.tsx";

export interface OperationNoteProps {
  readonly application: Application;
  readonly id: AppId;
}

export function OperationNote({ application, id }: OperationNoteProps) {
  const action = useAction();
  const state = application.status?.operationState;
  const asked = application.operation;
  const running = asked !== undefined || state?.phase === "Running" || state?.phase === "Terminating";
  const failed = state?.phase === "Failed" || state?.phase === "Error";
  const held = !running && (application.status?.conditions ?? []).some(({ type }) => type === "WaitingForDependencies");
  if (held) return <HeldNote id={id} />;
  if (!running && !failed) return null;
  const phase = state && !(asked && state.finishedAt) ? state.phase : "Running";
  const refused = failed && !running ? refusals(state) : [];
  return (
    <section className={`operation operation-${running ? "busy" : "bad"}`} aria-label="Operation" aria-live="polite">
      <Status of="operation" value={phase} />
      <span className="operation-text">
        {state?.message || (running ? "starting" : "")}
        {running && <Waiting id={id} />}
        {refused.length > 0 && (
          <ul>
            {refused.slice(0, 4).map((line) => (
              <li key={line}>{line}</li>
            ))}
            {refused.length > 4 && <li>and {refused.length - 4} more: see the list of resources</li>}
          </ul>
        )}
      </span>
      <span className="faint">
        {whoOf(application)} · <Ago at={running ? (state?.startedAt ?? "") : state?.finishedAt} />
        {(state?.retryCount ?? 0) > 0 && ` · attempt ${(state?.retryCount ?? 0) + 1}`}
      </span>
      {running && (
        <Button
          icon={OctagonX}
          look="danger"
          busy={action.busy}
          disabled={state?.phase === "Terminating"}
          onClick={() => void action.run(() => terminateOperation(id), { done: "Terminating the operation." })}
        >
          Terminate
        </Button>
      )}
    </section>
  );
}

/** A sync that is due and does not start yet. */
function HeldNote({ id }: { readonly id: AppId }) {
  return (
    <section className="operation operation-busy" aria-label="Operation" aria-live="polite">
      <span className="operation-text">
        A sync is due.
        <Waiting id={id} />
      </span>
    </section>
  );
}

function whoOf(application: Application): string {
  const by = (application.operation ?? application.status?.operationState?.operation)?.initiatedBy;
  return by?.automated ? "automated" : (by?.username ?? "somebody");
}

/** Objects that the cluster refused, with its words. */
function refusals(state: OperationState): readonly string[] {
  return (state.syncResult?.resources ?? [])
    .filter((result) => result.status === "SyncFailed" || result.hookPhase === "Failed" || result.hookPhase === "Error")
    .map((result) => `${result.kind} ${result.name}: ${result.message ?? "failed"}`);
}
