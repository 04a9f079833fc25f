// How long ago, kept up to date; the exact time as a tooltip.
import { useNow } from "../live/context.ts";
import { ago } from "../model/time.ts";

export function Ago({ at }: { readonly at: string | number | undefined }) {
  const now = useNow();
  const ms = typeof at === "number" ? at : Date.parse(at ?? "");
  if (!ms) return <span className="faint">–</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={new Date(ms).toLocaleString()}>
      {ago(ms, now)}
    </time>
  );
}
