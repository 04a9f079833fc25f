// Short messages about what was just done, for the corner of the page.
export interface Toast {
  readonly id: number;
  readonly tone: "good" | "bad" | "plain";
  readonly text: string;
}

const shownMs = { good: 4000, plain: 4000, bad: 10_000 } as const;

export class ToastStore {
  #toasts: readonly Toast[] = [];
  #nextId = 1;
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly snapshot = (): readonly Toast[] => this.#toasts;

  show(tone: Toast["tone"], text: string): void {
    const id = this.#nextId++;
    this.#set([...this.#toasts.slice(-3), { id, tone, text }]);
    setTimeout(() => this.dismiss(id), shownMs[tone]);
  }

  dismiss(id: number): void {
    this.#set(this.#toasts.filter((toast) => toast.id !== id));
  }

  #set(toasts: readonly Toast[]): void {
    this.#toasts = toasts;
    for (const listener of this.#listeners) listener();
  }
}
