// Where the list was left: its address with filters, so that the way back leads there.
const key = "driftless.list";

export function listAddress(): string {
  const query = sessionStorage.getItem(key) ?? "";
  return query === "" ? "/applications" : `/applications?${query}`;
}

export function rememberList(query: string): void {
  sessionStorage.setItem(key, query);
}

/** The address of an application's page. */
export function applicationAddress(id: { readonly namespace: string; readonly name: string }): string {
  return `/applications/${encodeURIComponent(id.namespace)}/${encodeURIComponent(id.name)}`;
}
