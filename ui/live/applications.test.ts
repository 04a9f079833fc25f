import { describe, expect, it, vi, beforeEach, afterEach } from "vitest";
import type { ApplicationEvent } from "#protocol/rest.ts";
import { application, type AppWords } from "../model/testing.ts";
import { ApplicationsStore, type ApplicationsSource } from "./applications.ts";

const list = (...items: AppWords[]) => ({ metadata: { resourceVersion: "1" }, items: items.map(application) });
const event = (type: ApplicationEvent["type"], words: AppWords): ApplicationEvent => ({
  type,
  application: application(words),
});
const nowhere: ApplicationsSource = { open: () => () => {}, list: async () => list() };

describe("the store of live applications", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const names = (store: ApplicationsStore): string => {
    vi.runAllTimers();
    return store
      .snapshot()
      .rows.map((row) => `${row.name}@${row.version}`)
      .join(" ");
  };

  it("takes what is new, and what is newer", () => {
    const store = new ApplicationsStore(nowhere);
    store.replace(list({ name: "a", version: 5 }));
    store.apply(event("ADDED", { name: "b", version: 6 }));
    store.apply(event("MODIFIED", { name: "a", version: 7 }));
    store.apply(event("MODIFIED", { name: "a", version: 3 }));
    expect(names(store)).toBe("a@7 b@6");
  });
  it("forgets what was deleted, unless it is there anew", () => {
    const store = new ApplicationsStore(nowhere);
    store.replace(list({ name: "a", uid: "1" }, { name: "b", uid: "2", version: 9 }));
    store.apply(event("DELETED", { name: "a", uid: "1", version: 2 }));
    store.apply(event("DELETED", { name: "b", uid: "old", version: 1 }));
    expect(names(store)).toBe("b@9");
  });
  it("forgets on a new list what it does not have any more, and keeps what came newer meanwhile", () => {
    const store = new ApplicationsStore(nowhere);
    store.replace(list({ name: "a" }, { name: "b" }));
    store.apply(event("MODIFIED", { name: "b", version: 8 }));
    store.replace(list({ name: "b", version: 4 }, { name: "c", version: 2 }));
    expect(names(store)).toBe("b@8 c@2");
  });
  it("tells its readers once for many events", () => {
    const store = new ApplicationsStore(nowhere);
    const told = vi.fn<() => void>();
    store.subscribe(told);
    for (let i = 0; i < 100; i++) store.apply(event("ADDED", { name: `a${i}` }));
    vi.runAllTimers();
    expect(told).toHaveBeenCalledTimes(1);
    expect(store.snapshot().rows).toHaveLength(100);
  });
  it("keeps the same list of rows while only the connection changes", () => {
    let say: (phase: "live") => void = () => {};
    const store = new ApplicationsStore({
      ...nowhere,
      open: (to) => ((say = () => to.state({ phase: "live" })), () => {}),
    });
    store.start();
    store.replace(list({ name: "a" }));
    names(store);
    const { rows } = store.snapshot();
    say("live");
    vi.runAllTimers();
    expect(store.snapshot()).toMatchObject({ stream: { phase: "live" } });
    expect(store.snapshot().rows).toBe(rows);
  });
});
