// Whether what is shown is live.
import type { StreamState } from "../api/event-stream.ts";

const words = { connecting: "Connecting", live: "Live", waiting: "Reconnecting", gone: "Offline" } as const;

export function LiveDot({ stream }: { readonly stream: StreamState }) {
  return (
    <span className={`live-dot live-${stream.phase}`} data-live={stream.phase}>
      <i aria-hidden />
      <span>{words[stream.phase]}</span>
    </span>
  );
}
