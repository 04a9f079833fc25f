// Repositories as argocd prints them. Pure.
import { DriftlessError } from "#base/errors.ts";
import type { Repository } from "../../server/services.ts";
import { oneLine, table } from "../../view/table.ts";

const header = ["TYPE", "NAME", "REPO", "INSECURE", "OCI", "LFS", "CREDS", "STATUS", "MESSAGE", "PROJECT"];

export function repositoryTable(items: readonly Repository[]): string {
  const rows = items.map((item) =>
    [
      item.type || "git",
      item.name ?? "",
      item.repo ?? "",
      String(Boolean(item.insecure) || Boolean(item.insecureIgnoreHostKey)),
      String(item.enableOCI ?? false),
      String(item.enableLfs ?? false),
      item.inheritedCreds ? "inherited" : String(Boolean(item.username)),
      item.connectionState?.status ?? "",
      item.connectionState?.message ?? "",
      item.project ?? "",
    ].map(oneLine),
  );
  return table([header, ...rows]);
}

/** Error: INVALID_ARGUMENT for anything but "hard". */
export function refreshes(written: string): boolean {
  if (written !== "" && written !== "hard")
    throw new DriftlessError("INVALID_ARGUMENT", `--refresh takes hard, not "${written}"`);
  return written === "hard";
}
