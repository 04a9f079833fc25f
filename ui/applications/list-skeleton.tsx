// The list's shape while it is read.
import type { ListView } from "../model/list-url.ts";

export function ListSkeleton({ view }: { readonly view: ListView }) {
  return (
    <div className={`skeletons skeletons-${view}`} role="status" aria-label="Loading applications" aria-busy="true">
      {Array.from({ length: 12 }, (_, index) => (
        <div key={index} className="skeleton" />
      ))}
    </div>
  );
}
