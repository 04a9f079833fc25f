// The details of one resource, beside the tree: what it is, what differs, its manifests.
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useEffect, useState, type ReactNode } from "react";
import type { Application } from "#model/application.ts";
import { managedResources, type AppId } from "../api/applications.ts";
import { messageOf } from "../api/error.ts";
import { Button } from "../common/button.tsx";
import { KindIcon } from "../common/kind-icon.tsx";
import { refKey, type Resource } from "../model/tree.ts";
import { DiffView } from "./diff-view.tsx";
import { ManifestView } from "./manifest-view.tsx";
import { ResourceSummary } from "./summary.tsx";

export interface ResourceDetailsProps {
  readonly id: AppId;
  readonly application: Application;
  readonly resource: Resource;
  readonly resources: readonly Resource[];
  readonly onChoose: (key: string | undefined) => void;
}

type Part = "summary" | "diff" | "live" | "desired";
const parts: readonly (readonly [Part, string])[] = [
  ["summary", "Summary"],
  ["diff", "Diff"],
  ["live", "Live"],
  ["desired", "Desired"],
];

export function ResourceDetails({ id, application, resource, resources, onChoose }: ResourceDetailsProps) {
  const { node, status, key } = resource;
  const managed = status !== undefined;
  const [part, setPart] = useState<Part>(status?.status === "OutOfSync" ? "diff" : "summary");
  const { data, error, refetch } = useQuery({
    queryKey: ["managed", id.namespace, id.name],
    queryFn: ({ signal }) => managedResources(id, signal),
    enabled: managed,
  });
  const version = `${node.resourceVersion ?? ""} ${status?.status ?? ""} ${application.status?.sync?.revision ?? ""}`;
  useEffect(() => {
    if (managed) void refetch();
  }, [version, managed, refetch]);
  const states = data?.find((item) => refKey(item) === key);
  const body = (): ReactNode => {
    if (part === "summary") {
      return (
        <ResourceSummary resource={resource} resources={resources} application={application} onChoose={onChoose} />
      );
    }
    if (error) return <p className="message message-bad">{messageOf(error)}</p>;
    if (!data) return <div className="skeleton" style={{ height: 200 }} aria-busy="true" />;
    const desired = valueOf(states?.targetState);
    if (part === "live")
      return <ManifestView object={valueOf(states?.liveState)} none="It does not exist on the cluster." />;
    if (part === "desired") return <ManifestView object={desired} none="Git does not have it." />;
    const live = valueOf(states?.normalizedLiveState ?? states?.liveState);
    return <DiffView live={live} desired={desired === null ? null : valueOf(states?.predictedLiveState)} />;
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
          .filter(([each]) => managed || each === "summary")
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

function valueOf(text: string | undefined): unknown {
  if (!text) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
