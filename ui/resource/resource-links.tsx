// Resources as a list of links to their details.
import { Status } from "../common/status.tsx";
import { healthOf, type Resource } from "../model/tree.ts";

export interface ResourceLinksProps {
  readonly resources: readonly Resource[];
  readonly onChoose: (key: string) => void;
}

export function ResourceLinks({ resources, onChoose }: ResourceLinksProps) {
  return (
    <ul className="plain-list">
      {resources.map((each) => {
        const health = healthOf(each);
        return (
          <li key={each.id}>
            {health && <Status of="health" value={health} iconOnly size={13} />}
            <button type="button" className="link-button" onClick={() => onChoose(each.key)}>
              {each.node.kind} {each.node.name}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
