// Who is logged in. Begins by asking the server; ends when the server says so, or by logging out.
import { sessionExpired } from "../api/client.ts";
import { logIn, logOut, whoAmI } from "../api/session.ts";
import { messageOf } from "../api/error.ts";

export type SessionState =
  | { readonly phase: "asking" }
  | { readonly phase: "failed"; readonly reason: string }
  | { readonly phase: "out"; readonly expired: boolean }
  | { readonly phase: "in"; readonly username: string };

export class SessionStore {
  #state: SessionState = { phase: "asking" };
  readonly #listeners = new Set<() => void>();

  constructor() {
    window.addEventListener(sessionExpired, () => {
      if (this.#state.phase === "in") this.#set({ phase: "out", expired: true });
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly snapshot = (): SessionState => this.#state;

  async ask(): Promise<void> {
    this.#set({ phase: "asking" });
    try {
      const user = await whoAmI();
      this.#set(user.loggedIn ? { phase: "in", username: user.username ?? "" } : { phase: "out", expired: false });
    } catch (thrown) {
      this.#set({ phase: "failed", reason: messageOf(thrown) });
    }
  }

  /** Error: ApiError, for the form to show. */
  async logIn(username: string, password: string): Promise<void> {
    await logIn(username, password);
    this.#set({ phase: "in", username });
  }

  async logOut(): Promise<void> {
    try {
      await logOut();
    } finally {
      this.#set({ phase: "out", expired: false });
    }
  }

  #set(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
