// Which resources to sync.
import { Status } from "../common/status.tsx";
import type { Resource } from "../model/tree.ts";

export interface SyncResourcesProps {
  readonly resources: readonly Resource[];
  readonly picked: ReadonlySet<string>;
  readonly onPicked: (keys: ReadonlySet<string>) => void;
}

export function SyncResources({ resources, picked, onPicked }: SyncResourcesProps) {
  const pick = (those: readonly Resource[]): void => onPicked(new Set(those.map((each) => each.key)));
  const toggle = (key: string): void => {
    const next = new Set(picked);
    if (!next.delete(key)) next.add(key);
    onPicked(next);
  };
  const outOfSync = resources.filter((each) => each.status?.status !== "Synced");
  return (
    <section className="field" aria-label="Resources">
      <div className="pick-head">
        <strong>Resources</strong>
        <button type="button" className="link-button" onClick={() => pick(resources)}>
          All
        </button>
        {outOfSync.length > 0 && (
          <button type="button" className="link-button" onClick={() => pick(outOfSync)}>
            Out of sync
          </button>
        )}
        <button type="button" className="link-button" onClick={() => pick([])}>
          None
        </button>
      </div>
      <div className="pick-list">
        {resources.map(({ key, node, status }) => (
          <label key={key} className="check">
            <input type="checkbox" checked={picked.has(key)} onChange={() => toggle(key)} />
            <span>
              <span className="faint">{node.kind}</span> {node.name}
            </span>
            {status?.status && <Status of="sync" value={status.status} size={13} />}
          </label>
        ))}
      </div>
    </section>
  );
}
