// What was deployed when, newest first, and the way back to it.
import { Undo2 } from "lucide-react";
import { useState } from "react";
import type { Application, RevisionHistory } from "#model/application.ts";
import type { AppId } from "../api/applications.ts";
import { Ago } from "../common/ago.tsx";
import { Button } from "../common/button.tsx";
import { Notice } from "../common/notice.tsx";
import { History } from "lucide-react";
import { RollbackDialog } from "../dialogs/rollback.tsx";
import { duration } from "../model/time.ts";
import { Revision } from "./revision.tsx";

export interface HistoryTabProps {
  readonly application: Application;
  readonly id: AppId;
}

export function HistoryTab({ application, id }: HistoryTabProps) {
  const [target, setTarget] = useState<RevisionHistory>();
  const entries = [...(application.status?.history ?? [])].sort((a, b) => b.id - a.id);
  if (entries.length === 0) {
    return (
      <Notice icon={History} title="Nothing was deployed yet">
        Each successful sync is listed here, and you can go back to it.
      </Notice>
    );
  }
  return (
    <div className="history">
      <ol aria-label="Deployments, newest first">
        {entries.map((entry, index) => (
          <li key={entry.id}>
            <div className="history-when">
              <b>#{entry.id}</b>
              <Ago at={entry.deployedAt} />
              <small className="faint">
                {entry.initiatedBy?.automated ? "automated" : (entry.initiatedBy?.username ?? "")}
                {tookOf(entry)}
              </small>
            </div>
            <dl className="history-what">
              <Revision id={id} revision={entry.revision ?? ""} />
            </dl>
            {index === 0 ? (
              <span className="chip chip-good">current</span>
            ) : (
              <Button icon={Undo2} onClick={() => setTarget(entry)}>
                Roll back
              </Button>
            )}
          </li>
        ))}
      </ol>
      {target && (
        <RollbackDialog application={application} id={id} entry={target} onClose={() => setTarget(undefined)} />
      )}
    </div>
  );
}

function tookOf(entry: RevisionHistory): string {
  const ms = Date.parse(entry.deployedAt) - Date.parse(entry.deployStartedAt ?? "");
  return Number.isNaN(ms) ? "" : ` · took ${duration(ms)}`;
}
