// Calls of the settings and account services.
import { request } from "./client.ts";

/** What the page needs of the settings. */
export interface PageSettings {
  readonly execEnabled?: boolean;
}

export function getSettings(signal: AbortSignal): Promise<PageSettings> {
  return request("/settings", { signal });
}

/** Whether who is logged in may do this. */
export async function canI(resource: string, action: string, object: string, signal: AbortSignal): Promise<boolean> {
  const path = [resource, action, ...object.split("/")].map(encodeURIComponent).join("/");
  return (await request<{ value?: string }>(`/account/can-i/${path}`, { signal })).value === "yes";
}
