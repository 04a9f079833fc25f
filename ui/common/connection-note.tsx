// One line under the head when what is shown may be out of date.
import { CloudOff } from "lucide-react";
import type { StreamState } from "../api/event-stream.ts";
import { Button } from "./button.tsx";

export interface ConnectionNoteProps {
  readonly stream: StreamState;
  readonly onRetry: () => void;
}

export function ConnectionNote({ stream, onRetry }: ConnectionNoteProps) {
  if (stream.phase !== "waiting" && stream.phase !== "gone") return null;
  return (
    <div className="connection-note" role="alert">
      <CloudOff size={16} aria-hidden />
      <span>
        {stream.phase === "waiting" ? "Connection lost; trying again by itself." : "No longer connected."} What you see
        may be out of date. <span className="faint">{stream.reason}</span>
      </span>
      <Button look="quiet" onClick={onRetry}>
        Try now
      </Button>
    </div>
  );
}
