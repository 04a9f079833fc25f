// Values by kind, where a key may be a pattern: `apps/Deployment`, `*.crossplane.io/*`. Pure.

/** What is set for kinds. A kind's own entry goes before patterns, a longer pattern before a shorter one. */
export class KindTable<T> {
  readonly #exact = new Map<string, T>();
  readonly #patterns: { readonly pattern: string; readonly test: RegExp; readonly value: T }[] = [];
  readonly #found = new Map<string, T | undefined>();

  /** Takes `group/Kind`, the core group empty, with `*` for any text (`*` alone: every kind). The first of equal keys stays. */
  add(groupKind: string, value: T): void {
    this.#found.clear();
    if (!groupKind.includes("*")) {
      if (!this.#exact.has(groupKind)) this.#exact.set(groupKind, value);
      return;
    }
    if (this.#patterns.some(({ pattern }) => pattern === groupKind)) return;
    const every = groupKind === "*" || groupKind === "/*";
    const text = every ? "*" : groupKind;
    const test = new RegExp(`^${text.replace(/[\\^$.+?()[\]{}|]/g, "\\$&").replaceAll("*", ".*")}$`);
    this.#patterns.push({ pattern: groupKind, test, value });
    this.#patterns.sort((a, b) => b.pattern.length - a.pattern.length);
  }

  get size(): number {
    return this.#exact.size + this.#patterns.length;
  }

  find(group: string, kind: string): T | undefined {
    if (this.size === 0) return undefined;
    const text = `${group}/${kind}`;
    const own = this.#exact.get(text);
    if (own !== undefined || this.#patterns.length === 0) return own;
    if (this.#found.has(text)) return this.#found.get(text);
    const value = this.#patterns.find(({ test }) => test.test(text))?.value;
    this.#found.set(text, value);
    return value;
  }

  /** The value of exactly this key. */
  exact(groupKind: string): T | undefined {
    return this.#exact.get(groupKind) ?? this.#patterns.find(({ pattern }) => pattern === groupKind)?.value;
  }
}
