// What can be done with the selected applications, all at once.
import { RefreshCw, RotateCw, X } from "lucide-react";
import { refreshApplication, syncApplication, type AppId } from "../api/applications.ts";
import { messageOf } from "../api/error.ts";
import { useAction } from "../common/action.ts";
import { Button } from "../common/button.tsx";
import { useServices } from "../live/context.ts";
import type { AppRow } from "../model/row.ts";
import { plural } from "../model/text.ts";

export interface SelectionBarProps {
  readonly shown: readonly AppRow[];
  readonly selected: ReadonlySet<string>;
  readonly onSelected: (keys: ReadonlySet<string>) => void;
}

/** Requests at once: browsers open six connections to a server, and live streams hold some. */
const atOnce = 3;

export function SelectionBar({ shown, selected, onSelected }: SelectionBarProps) {
  const { applications, toasts } = useServices();
  const action = useAction();
  if (selected.size === 0) return null;
  const forAll = (done: string, call: (id: AppId) => Promise<unknown>): void => {
    void action.run(async () => {
      const rows = [...selected].map((key) => applications.get(key)).filter((row) => row !== undefined);
      const failures = await eachOf(rows, call);
      const well = rows.length - failures.length;
      if (well > 0) toasts.show("good", `${done}: ${plural(well, "application")}.`);
      if (failures.length > 0) toasts.show("bad", `${plural(failures.length, "application")} refused: ${failures[0]}`);
      if (failures.length === 0) onSelected(new Set());
    });
  };
  return (
    <div className="selection-bar" role="toolbar" aria-label="Selected applications">
      <strong>{selected.size.toLocaleString("en")} selected</strong>
      {shown.length > selected.size && (
        <Button look="quiet" onClick={() => onSelected(new Set(shown.map((row) => row.key)))}>
          All {shown.length.toLocaleString("en")} shown
        </Button>
      )}
      <span className="grow" />
      <Button
        icon={RefreshCw}
        busy={action.busy}
        onClick={() => forAll("Refreshed", (id) => refreshApplication(id, "normal"))}
      >
        Refresh
      </Button>
      <Button
        icon={RotateCw}
        look="primary"
        busy={action.busy}
        onClick={() => forAll("Sync started", (id) => syncApplication(id, {}))}
      >
        Sync
      </Button>
      <Button icon={X} look="quiet" label="Clear the selection" onClick={() => onSelected(new Set())} />
    </div>
  );
}

/** Calls for each, a few at once; returns the errors' words. */
async function eachOf(rows: readonly AppRow[], call: (id: AppId) => Promise<unknown>): Promise<string[]> {
  const failures: string[] = [];
  const waiting = [...rows];
  const worker = async (): Promise<void> => {
    for (let row = waiting.shift(); row; row = waiting.shift()) {
      try {
        await call(row);
      } catch (thrown) {
        failures.push(`${row.name}: ${messageOf(thrown)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return failures;
}
