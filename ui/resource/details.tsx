// The details of one resource, beside the tree: what it is, what differs, its manifests, its events.
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useState, type ReactNode } from "react";
import type { Application } from "#model/application.ts";
import type { AppId } from "../api/applications.ts";
import { getSettings } from "../api/settings.ts";
import { Button } from "../common/button.tsx";
import { KindIcon } from "../common/kind-icon.tsx";
import type { Resource } from "../model/tree.ts";
import { TerminalView } from "../terminal/terminal-view.tsx";
import { EventsView } from "./events-view.tsx";
import { LiveManifest } from "./live-manifest.tsx";
import { ManagedStates } from "./managed-states.tsx";
import { ResourceSummary } from "./summary.tsx";

export interface ResourceDetailsProps {
  readonly id: AppId;
  readonly application: Application;
  readonly resource: Resource;
  readonly resources: readonly Resource[];
  readonly onChoose: (key: string | undefined) => void;
}

type Part = "summary" | "diff" | "live" | "desired" | "events" | "terminal";
const parts: readonly (readonly [Part, string])[] = [
  ["summary", "Summary"],
  ["diff", "Diff"],
  ["live", "Live"],
  ["desired", "Desired"],
  ["events", "Events"],
  ["terminal", "Terminal"],
];
/** Of objects that Git does not declare there is no desired state. */
const declaredOnly: readonly Part[] = ["diff", "desired"];

export function ResourceDetails({ id, application, resource, resources, onChoose }: ResourceDetailsProps) {
  const { node, status, key } = resource;
  const declared = status !== undefined;
  const [part, setPart] = useState<Part>(status?.status === "OutOfSync" ? "diff" : "summary");
  const terminals = useTerminals() && node.kind === "Pod" && !node.group;
  const version = `${node.resourceVersion ?? ""} ${status?.status ?? ""} ${application.status?.sync?.revision ?? ""}`;
  const body = (): ReactNode => {
    if (part === "events") return <EventsView id={id} node={node} version={version} />;
    if (part === "terminal") return <TerminalView key={key} id={id} application={application} node={node} />;
    if (part !== "summary") {
      if (declared) return <ManagedStates id={id} resource={key} version={version} part={part} />;
      return <LiveManifest id={id} resource={resource} />;
    }
    return <ResourceSummary resource={resource} resources={resources} application={application} onChoose={onChoose} />;
  };
  return (
    <aside className="details" aria-label={`${node.kind} ${node.name}`}>
      <header>
        <KindIcon kind={node.kind} />
        <div className="details-name">
          <small>
            {node.kind}
            {node.namespace && ` · ${node.namespace}`}
          </small>
          <h2>{node.name}</h2>
        </div>
        <Button icon={X} look="quiet" label="Close the details" onClick={() => onChoose(undefined)} />
      </header>
      <nav className="tabs" aria-label="Parts of the details">
        {parts
          .filter(([each]) => (declared || !declaredOnly.includes(each)) && (terminals || each !== "terminal"))
          .map(([each, word]) => (
            <button
              key={each}
              type="button"
              aria-current={part === each ? "page" : undefined}
              onClick={() => setPart(each)}
            >
              {word}
            </button>
          ))}
      </nav>
      <div className="details-body">{body()}</div>
    </aside>
  );
}

/** Whether the settings have terminals at all. */
function useTerminals(): boolean {
  const { data } = useQuery({
    queryKey: ["settings"],
    queryFn: ({ signal }) => getSettings(signal),
    staleTime: 60_000,
  });
  return data?.execEnabled === true;
}
