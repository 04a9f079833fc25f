// What can be done with the selected applications, all at once.
import { RefreshCw, RotateCw, X } from "lucide-react";
import { refreshApplication, syncApplication, type AppId } from "../api/applications.ts";
import { messageOf } from "../api/error.ts";
import { useAction } from "../common/action.ts";
import { Button } from "../common/button.tsx";
import { useServices } from "../live/context.ts";
import { plural } from "../model/text.ts";

export interface SelectionBarProps {
  /** How many applications match. */
  readonly total: number;
  readonly selected: ReadonlySet<string>;
  readonly onSelected: (keys: ReadonlySet<string>) => void;
  readonly onSelectAll: () => void;
}

/** Requests at once: browsers open six connections to a server, and live streams hold some. */
const atOnce = 3;

export function SelectionBar({ total, selected, onSelected, onSelectAll }: SelectionBarProps) {
  const { toasts } = useServices();
  const action = useAction();
  if (selected.size === 0) return null;
  const forAll = (done: string, call: (id: AppId) => Promise<unknown>): void => {
    void action.run(async () => {
      const failures = await eachOf([...selected].map(idOf), call);
      const well = selected.size - failures.length;
      if (well > 0) toasts.show("good", `${done}: ${plural(well, "application")}.`);
      if (failures.length > 0) toasts.show("bad", `${plural(failures.length, "application")} refused: ${failures[0]}`);
      if (failures.length === 0) onSelected(new Set());
    });
  };
  return (
    <div className="selection-bar" role="toolbar" aria-label="Selected applications">
      <strong>{selected.size.toLocaleString("en")} selected</strong>
      {total > selected.size && (
        <Button look="quiet" onClick={onSelectAll}>
          All {total.toLocaleString("en")} that match
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
async function eachOf(ids: readonly AppId[], call: (id: AppId) => Promise<unknown>): Promise<string[]> {
  const failures: string[] = [];
  const waiting = [...ids];
  const worker = async (): Promise<void> => {
    for (let id = waiting.shift(); id; id = waiting.shift()) {
      try {
        await call(id);
      } catch (thrown) {
        failures.push(`${id.name}: ${messageOf(thrown)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return failures;
}

/** `namespace/name`. */
function idOf(key: string): AppId {
  const slash = key.indexOf("/");
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
