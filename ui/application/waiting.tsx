// What a sync waits for, each with the reason as it is now: pods say more without a change of the application.
import { useQuery } from "@tanstack/react-query";
import { getWaiting, type AppId } from "../api/applications.ts";

const everyMs = 1500;
const shown = 4;

export function Waiting({ id }: { readonly id: AppId }) {
  const { data } = useQuery({
    queryKey: ["waiting", id.namespace, id.name],
    queryFn: ({ signal }) => getWaiting(id, signal),
    refetchInterval: everyMs,
    retry: false,
  });
  const waiting = data?.waitingFor ?? [];
  if (waiting.length === 0) return null;
  return (
    <ul aria-label="Waiting for">
      {waiting.slice(0, shown).map((item) => (
        <li key={`${item.for} ${item.kind} ${item.namespace ?? ""} ${item.name}`}>
          waits for {item.kind} <strong>{item.name}</strong>: {item.reason}
        </li>
      ))}
      {waiting.length > shown && <li>and for {waiting.length - shown} more</li>}
    </ul>
  );
}
