// A work queue of keys: a key that is added many times is handed out once; a key in work is handed out again only
// after it was done; keys may wait for a time. Work is taken lane by lane, so that a slow lane delays no other.
// Generic: it knows nothing of what a key means. After the design of Kubernetes' client-go work queue.
import type { Clock } from "#base/ports.ts";

interface Item {
  readonly key: string;
  lane: string;
  state: "waiting" | "ready" | "working" | "working-again" | "idle";
  /** Since when the key has been ready, on the monotonic clock. */
  readySinceMs: number;
  cancelTimer?: (() => void) | undefined;
  /** Asked for in a hurry while in work. */
  hurried?: boolean;
  /** When the timer fires, on the monotonic clock. */
  dueMs: number;
}

interface Lane {
  readonly ready: string[];
  working: number;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** How many keys of one lane may be in work at once. */
  readonly concurrencyPerLane: number;
  /** Does the work; never rejects. Called at most once at a time for a key. */
  readonly work: (key: string, waitedMs: number) => Promise<void>;
}

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #items = new Map<string, Item>();
  readonly #lanes = new Map<string, Lane>();
  #stopped = false;
  #idleWaiters: (() => void)[] = [];
  #working = 0;
  #ready = 0;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** How many keys are ready and wait for a worker. */
  get depth(): number {
    return this.#ready;
  }

  /** How many keys are in work. */
  get working(): number {
    return this.#working;
  }

  /** Hands the key out as soon as a worker of its lane is free. */
  add(key: string, lane = ""): void {
    if (this.#stopped) return;
    const item = this.#item(key, lane);
    this.#clearTimer(item);
    if (item.state === "working") item.state = "working-again";
    else if (item.state === "idle" || item.state === "waiting") this.#makeReady(item);
  }

  /** Hands the key out after `delayMs`, unless it is handed out sooner; the earliest of several times holds. */
  addAfter(key: string, delayMs: number, lane = ""): void {
    if (this.#stopped) return;
    if (delayMs <= 0) return this.add(key, lane);
    const item = this.#item(key, lane);
    if (item.state === "ready" || item.state === "working-again") return;
    const dueMs = this.#options.clock.monotonic() + delayMs;
    if (item.cancelTimer && item.dueMs <= dueMs) return;
    this.#clearTimer(item);
    item.dueMs = dueMs;
    if (item.state === "idle") item.state = "waiting";
    item.cancelTimer = this.#options.clock.after(delayMs, () => {
      item.cancelTimer = undefined;
      this.add(key, item.lane);
    });
  }

  /** Hands the key out at once, beside what its lane has in work; one in work, as soon as that is done. */
  hurry(key: string, lane = ""): void {
    if (this.#stopped) return;
    const item = this.#item(key, lane);
    this.#clearTimer(item);
    if (item.state === "working" || item.state === "working-again") {
      item.state = "working-again";
      item.hurried = true;
      return;
    }
    if (item.state === "ready") this.#leaveLine(item);
    this.#startAlone(item);
  }

  /** Forgets a key: its timer and its place in line. Work under way is not interrupted. */
  forget(key: string): void {
    const item = this.#items.get(key);
    if (!item) return;
    this.#clearTimer(item);
    if (item.state === "ready") this.#leaveLine(item);
    if (item.state === "working" || item.state === "working-again") item.state = "working";
    else this.#items.delete(key);
  }

  /** Hands out nothing more and resolves when the work under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const item of this.#items.values()) this.#clearTimer(item);
    if (this.#working > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  #item(key: string, lane: string): Item {
    let item = this.#items.get(key);
    if (!item) {
      item = { key, lane, state: "idle", readySinceMs: 0, dueMs: 0 };
      this.#items.set(key, item);
    } else if (item.state === "idle" || item.state === "waiting") {
      item.lane = lane;
    }
    return item;
  }

  #clearTimer(item: Item): void {
    item.cancelTimer?.();
    item.cancelTimer = undefined;
  }

  #makeReady(item: Item): void {
    item.state = "ready";
    item.readySinceMs = this.#options.clock.monotonic();
    let lane = this.#lanes.get(item.lane);
    if (!lane) this.#lanes.set(item.lane, (lane = { ready: [], working: 0 }));
    lane.ready.push(item.key);
    this.#ready++;
    this.#pump(item.lane, lane);
  }

  #leaveLine(item: Item): void {
    const lane = this.#lanes.get(item.lane);
    const index = lane ? lane.ready.indexOf(item.key) : -1;
    if (!lane || index < 0) return;
    lane.ready.splice(index, 1);
    this.#ready--;
  }

  /** In a lane of its own: another lane's places are not taken. */
  #startAlone(item: Item): void {
    item.state = "working";
    this.#working++;
    const lane: Lane = { ready: [], working: 1 };
    void this.#options.work(item.key, 0).finally(() => this.#done(item, "", lane));
  }

  #pump(name: string, lane: Lane): void {
    while (!this.#stopped && lane.working < this.#options.concurrencyPerLane && lane.ready.length > 0) {
      const item = this.#items.get(lane.ready.shift()!);
      this.#ready--;
      if (!item || item.state !== "ready") continue;
      item.state = "working";
      lane.working++;
      this.#working++;
      const waitedMs = this.#options.clock.monotonic() - item.readySinceMs;
      void this.#options.work(item.key, waitedMs).finally(() => this.#done(item, name, lane));
    }
    if (lane.ready.length === 0 && lane.working === 0 && this.#lanes.get(name) === lane) this.#lanes.delete(name);
  }

  #done(item: Item, name: string, lane: Lane): void {
    lane.working--;
    this.#working--;
    const again = (item.state as string) === "working-again";
    const hurried = item.hurried === true;
    item.hurried = false;
    item.state = item.cancelTimer ? "waiting" : "idle";
    if (again && hurried && !this.#stopped) this.#startAlone(item);
    else if (again && !this.#stopped) this.#makeReady(item);
    else if (item.state === "idle") this.#items.delete(item.key);
    this.#pump(name, lane);
    if (this.#working === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
