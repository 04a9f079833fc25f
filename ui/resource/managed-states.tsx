// Live and desired state of an object that Git declares, and their difference. Asked for again when the object, its
// status or the revision changes.
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { managedResources, type AppId } from "../api/applications.ts";
import { messageOf } from "../api/error.ts";
import { refKey } from "../model/tree.ts";
import { DiffView } from "./diff-view.tsx";
import { ManifestView } from "./manifest-view.tsx";

export interface ManagedStatesProps {
  readonly id: AppId;
  readonly resource: string;
  readonly version: string;
  readonly part: "diff" | "live" | "desired";
}

export function ManagedStates({ id, resource, version, part }: ManagedStatesProps) {
  const { data, error, refetch } = useQuery({
    queryKey: ["managed", id.namespace, id.name],
    queryFn: ({ signal }) => managedResources(id, signal),
  });
  useEffect(() => void refetch(), [version, refetch]);
  if (error) return <p className="message message-bad">{messageOf(error)}</p>;
  if (!data) return <div className="skeleton" style={{ height: 200 }} aria-busy="true" />;
  const states = data.find((item) => refKey(item) === resource);
  const desired = valueOf(states?.targetState);
  if (part === "live") {
    return <ManifestView object={valueOf(states?.liveState)} none="It does not exist on the cluster." />;
  }
  if (part === "desired") return <ManifestView object={desired} none="Git does not have it." />;
  const live = valueOf(states?.normalizedLiveState ?? states?.liveState);
  return <DiffView live={live} desired={desired === null ? null : valueOf(states?.predictedLiveState)} />;
}

function valueOf(text: string | undefined): unknown {
  if (!text) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
