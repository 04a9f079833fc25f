// The live manifest of an object that Git does not declare: read from the cluster when somebody looks at it.
import { useQuery } from "@tanstack/react-query";
import { liveObject, type AppId } from "../api/applications.ts";
import { messageOf } from "../api/error.ts";
import type { Resource } from "../model/tree.ts";
import { ManifestView } from "./manifest-view.tsx";

export function LiveManifest({ id, resource }: { readonly id: AppId; readonly resource: Resource }) {
  const { node } = resource;
  const { data, error } = useQuery({
    queryKey: ["object", id.namespace, id.name, resource.id, node.resourceVersion],
    queryFn: ({ signal }) => liveObject(id, node, signal),
    placeholderData: (before) => before,
  });
  if (error) return <p className="message message-bad">{messageOf(error)}</p>;
  if (data === undefined) return <div className="skeleton" style={{ height: 200 }} aria-busy="true" />;
  return <ManifestView object={data} none="It does not exist on the cluster." />;
}
