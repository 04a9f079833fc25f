// The page's shape while the application is read.
export function ApplicationSkeleton({ name }: { readonly name: string }) {
  return (
    <div role="status" aria-busy="true" aria-label={`Loading ${name}`} className="app-skeleton">
      <h1>{name}</h1>
      <div className="skeleton" style={{ height: 56 }} />
      <div className="skeleton" style={{ height: 300 }} />
    </div>
  );
}
