// Dark, light, or as the system prefers. Kept in the browser; applied before the first paint by theme-boot.ts.

export type Theme = "system" | "light" | "dark";
const key = "driftless.theme";

export class ThemeStore {
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): Theme => {
    const chosen = document.documentElement.dataset["theme"];
    return chosen === "dark" || chosen === "light" ? chosen : "system";
  };

  set(theme: Theme): void {
    if (theme === "system") {
      delete document.documentElement.dataset["theme"];
      localStorage.removeItem(key);
    } else {
      document.documentElement.dataset["theme"] = theme;
      localStorage.setItem(key, theme);
    }
    for (const listener of this.#listeners) listener();
  }
}
