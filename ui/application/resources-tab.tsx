// The resources of an application as a tree or a list, filtered, with the details of the chosen one beside.
import { Boxes, SearchX } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import type { Application } from "#model/application.ts";
import type { AppId } from "../api/applications.ts";
import { Button } from "../common/button.tsx";
import { Notice } from "../common/notice.tsx";
import { useShortcuts } from "../common/shortcuts.ts";
import { flipped } from "../model/sets.ts";
import { buildTree, matchesResource, noResourceFilters, type Resource } from "../model/tree.ts";
import { ResourceDetails } from "../resource/details.tsx";
import { ResourceFilterBar } from "./resource-filter-bar.tsx";
import { ResourceList } from "./resource-list.tsx";
import { TreeCanvas } from "./tree-canvas.tsx";

export interface ResourcesTabProps {
  readonly view: "tree" | "list";
  readonly application: Application;
  readonly id: AppId;
  readonly resources: readonly Resource[];
  readonly loading: boolean;
  /** Key of the resource whose details are open. */
  readonly chosen: string | undefined;
  readonly onChoose: (key: string | undefined) => void;
}

export function ResourcesTab({ view, application, id, resources, loading, chosen, onChoose }: ResourcesTabProps) {
  const [filters, setFilters] = useState(noResourceFilters);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const searchBox = useRef<HTMLInputElement>(null);
  const name = application.metadata.name ?? "";
  const tree = useMemo(() => buildTree(name, resources, filters, open), [name, resources, filters, open]);
  const listed = useMemo(() => resources.filter((each) => matchesResource(each, filters)), [resources, filters]);
  const detailed = resources.find((resource) => resource.key === chosen);
  useShortcuts({
    "/": (event) => {
      event.preventDefault();
      searchBox.current?.focus();
    },
  });
  const body = (): React.ReactNode => {
    if (resources.length === 0 && loading) return <div className="skeleton tree-skeleton" aria-busy="true" />;
    if (resources.length === 0) {
      return (
        <Notice icon={Boxes} title="No resources">
          Git has no objects for this application yet, or they could not be rendered.
        </Notice>
      );
    }
    if (listed.length === 0) {
      return (
        <Notice
          icon={SearchX}
          title="No resource matches"
          actions={<Button onClick={() => setFilters(noResourceFilters)}>Clear the filters</Button>}
        />
      );
    }
    if (view === "list") return <ResourceList resources={listed} chosen={chosen} onChoose={onChoose} />;
    return (
      <TreeCanvas
        application={application}
        tree={tree}
        chosen={chosen}
        onChoose={onChoose}
        onToggle={(group) => setOpen((now) => flipped(now, group))}
        opened={open.size}
        onFold={() => setOpen(new Set())}
      />
    );
  };
  return (
    <div className="resources">
      <div className="resources-main">
        <ResourceFilterBar searchBox={searchBox} resources={resources} filters={filters} onChange={setFilters} />
        {body()}
      </div>
      {detailed && (
        <ResourceDetails
          key={detailed.key}
          id={id}
          application={application}
          resource={detailed}
          resources={resources}
          onChoose={onChoose}
        />
      )}
    </div>
  );
}
