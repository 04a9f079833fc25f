// Tiles or table, as the person last had it.
import type { ListView } from "../model/list-url.ts";

const key = "driftless.view";

export function preferredView(): ListView {
  return localStorage.getItem(key) === "table" ? "table" : "tiles";
}

export function preferView(view: ListView): void {
  localStorage.setItem(key, view);
}
