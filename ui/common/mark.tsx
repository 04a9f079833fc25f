// The Driftless mark: waves that come to rest.
export function Mark({ size = 26 }: { readonly size?: number }) {
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <g fill="none" stroke="currentColor" strokeWidth="2.6" strokeLinecap="round">
        <path d="M7 10.5c3-4.2 6-4.2 9 0s6 4.2 9 0" opacity=".55" />
        <path d="M7 16.5c3-2 6-2 9 0s6 2 9 0" opacity=".78" />
        <path d="M7 22.5h18" />
      </g>
    </svg>
  );
}
