// What the cluster said about an object, or about the application: its events, the newest first.
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, Info } from "lucide-react";
import type { ResourceNode } from "#protocol/rest.ts";
import { eventTime, listEvents, type AppId } from "../api/applications.ts";
import { messageOf } from "../api/error.ts";
import { Ago } from "../common/ago.tsx";

export interface EventsViewProps {
  readonly id: AppId;
  /** Undefined: of the application itself. */
  readonly node: ResourceNode | undefined;
  /** Asked again when this changes. */
  readonly version: string;
}

const everyMs = 10_000;

export function EventsView({ id, node, version }: EventsViewProps) {
  const { data, error } = useQuery({
    queryKey: ["events", id.namespace, id.name, node?.uid ?? node?.name ?? "", version],
    queryFn: ({ signal }) => listEvents(id, node, signal),
    refetchInterval: everyMs,
    placeholderData: (before) => before,
  });
  if (error) return <p className="message message-bad">{messageOf(error)}</p>;
  if (!data) return <div className="skeleton" style={{ height: 80 }} aria-busy="true" />;
  if (data.length === 0) return <p className="faint">No events. Clusters keep them for about an hour.</p>;
  return (
    <ul className="events" aria-label="Events">
      {data.map((event) => {
        const warning = event.type === "Warning";
        const Icon = warning ? CircleAlert : Info;
        return (
          <li key={event.metadata.uid ?? event.metadata.name}>
            <Icon size={15} aria-label={event.type} className={warning ? "tone-warn" : "tone-unknown"} />
            <div>
              <b>{event.reason}</b>
              {(event.count ?? 1) > 1 && <span className="faint"> × {event.count}</span>}
              <p>{event.message}</p>
            </div>
            <span className="faint">
              <Ago at={eventTime(event)} />
            </span>
          </li>
        );
      })}
    </ul>
  );
}
