// Streams of applications: those that ask for the same and may see the same form a group, for which each change is looked
// at and written once. Changes are sent together, at short intervals. A reader that is slow gets the latest state of each
// application rather than every step on the way, and nothing is kept for it beyond that.
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { Application } from "#model/application.ts";
import type { Informer } from "#runtime/informer.ts";
import { SharedMessage, SharedMessages } from "../../rpc/prepared.ts";

type EventType = "ADDED" | "MODIFIED" | "DELETED";

/**
 * Messages go out at most this often, the first change after a rest at once: half of the time is for other work, whatever
 * the number of streams.
 */
const [soonestMs, latestMs] = [25, 250];
/** So many sendings wait for a reader before they become one. */
const waitingSendings = 8;
/** So many applications are sent at once where a stream begins. */
const firstMessages = 100;
/** So many deletions are remembered, for those who come back. */
const deletionsKept = 10_000;

export interface WatchGroupsDeps {
  readonly applications: Informer<Application>;
  readonly clock: Clock;
  presented(app: Application): Application;
}

export interface Watch {
  /** Equal for streams that see the same. */
  readonly group: string;
  matches(app: Application): boolean;
  /** A resourceVersion after which changes are wanted; "" for everything. */
  readonly since: string;
  /** The state that stands at `since` is wanted too, also where that is the deletion of all that matches. */
  readonly inclusive?: boolean;
  /** Rather an error than a gap, where deletions after `since` are no longer known. */
  readonly complete: boolean;
}

/** A change with its messages, made once whatever the number of groups. */
class Change {
  readonly before: Application | undefined;
  readonly after: Application | undefined;
  readonly #presented: (app: Application) => Application;
  readonly #messages = new Map<EventType, SharedMessage>();

  constructor(
    { before, after }: { before: Application | undefined; after: Application | undefined },
    presented: (app: Application) => Application,
  ) {
    this.before = before;
    this.after = after;
    this.#presented = presented;
  }

  message(type: EventType): SharedMessage {
    let message = this.#messages.get(type);
    if (!message) {
      const application = this.#presented((this.after ?? this.before)!);
      this.#messages.set(type, (message = new SharedMessage({ type, application })));
    }
    return message;
  }
}

interface Event {
  readonly type: EventType;
  readonly change: Change;
}

/** What has happened to each application since it was last told of. */
type Pending = Map<string, Event>;

interface Deletion {
  readonly app: Application;
  version: number;
}

export class WatchGroups {
  readonly #deps: WatchGroupsDeps;
  readonly #groups = new Map<string, Group>();
  readonly #deletions = new Map<string, Deletion>();
  /** Deletions up to this resourceVersion may have been forgotten. */
  #forgotten = 0;

  constructor(deps: WatchGroupsDeps) {
    this.#deps = deps;
    // Before the first list there is nothing to tell of a deletion.
    this.#forgotten = Number(deps.applications.resourceVersion) || Number.POSITIVE_INFINITY;
    deps.applications.subscribe((told) => {
      const change = new Change(told, (app) => deps.presented(app));
      this.#begin();
      this.#remember(change);
      for (const group of this.#groups.values()) group.observe(change);
    });
  }

  /** Every application that matches, then each change of one, until the call ends. Error: RESOURCE_EXPIRED. */
  async *watch(op: Op, watch: Watch): AsyncGenerator<SharedMessages> {
    const since = watch.since === "" ? undefined : Number(watch.since);
    this.#begin();
    if (watch.complete && since !== undefined && since < this.#forgotten)
      throw new DriftlessError(
        "RESOURCE_EXPIRED",
        `what was deleted after resourceVersion ${watch.since} is not known any more: list again`,
      );
    let group = this.#groups.get(watch.group);
    if (!group) this.#groups.set(watch.group, (group = new Group(this.#deps.clock)));
    // What others wait for is not news to this one, who begins with the present state.
    group.send();
    const member = group.join((app) => watch.matches(app));
    const ended = (): void => member.wake();
    op.signal.addEventListener("abort", ended);
    try {
      yield* this.#present(op, watch, since === undefined || !watch.inclusive ? since : since - 1);
      while (!op.signal.aborted) {
        const messages = await member.next();
        if (messages) yield messages;
      }
    } finally {
      op.signal.removeEventListener("abort", ended);
      if (group.leave(member)) this.#groups.delete(watch.group);
    }
  }

  /** From the first version that is known on, deletions are remembered. */
  #begin(): void {
    if (this.#forgotten !== Number.POSITIVE_INFINITY) return;
    this.#forgotten = Number(this.#deps.applications.resourceVersion) || Number.POSITIVE_INFINITY;
  }

  *#present(op: Op, watch: Watch, since: number | undefined): Generator<SharedMessages> {
    let messages: SharedMessage[] = [];
    const now = [...this.#deps.applications.values()];
    // Who follows one application from its present state is told that it is gone: argocd begins to look for that after it
    // has deleted it.
    const deletions = since === undefined && !watch.inclusive ? [] : [...this.#deletions.values()];
    for (const { app, version } of deletions)
      if (version > (since ?? 0) && watch.matches(app))
        messages.push(new SharedMessage({ type: "DELETED", application: this.#deps.presented(app) }));
    for (const app of now) {
      if (op.signal.aborted) return;
      if (since !== undefined && !(Number(app.metadata.resourceVersion) > since)) continue;
      if (!watch.matches(app)) continue;
      messages.push(new SharedMessage({ type: "ADDED", application: this.#deps.presented(app) }));
      if (messages.length < firstMessages) continue;
      yield new SharedMessages(messages);
      messages = [];
    }
    if (messages.length > 0) yield new SharedMessages(messages);
  }

  #remember({ before, after }: Change): void {
    const key = keyOf((after ?? before)!);
    this.#deletions.delete(key);
    if (after) return;
    const { applications } = this.#deps;
    const deletion: Deletion = { app: before!, version: Number(applications.resourceVersion) + 1 };
    this.#deletions.set(key, deletion);
    // The watch knows the deletion's own version once it has told of it.
    queueMicrotask(() => {
      deletion.version = Math.max(deletion.version, Number(applications.resourceVersion) || 0);
    });
    for (const [oldest, { version }] of this.#deletions) {
      if (this.#deletions.size <= deletionsKept) break;
      this.#deletions.delete(oldest);
      this.#forgotten = Math.max(this.#forgotten, version);
    }
  }
}

/** Streams that see the same. */
class Group {
  readonly #clock: Clock;
  readonly #members = new Set<Member>();
  #matches: ((app: Application) => boolean) | undefined;
  #pending: Pending = new Map();
  #cancel: (() => void) | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;
  #everyMs = soonestMs;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  join(matches: (app: Application) => boolean): Member {
    this.#matches ??= matches;
    const member = new Member();
    this.#members.add(member);
    return member;
  }

  /** Returns whether it was the last. */
  leave(member: Member): boolean {
    this.#members.delete(member);
    if (this.#members.size > 0) return false;
    this.#cancel?.();
    return true;
  }

  observe(change: Change): void {
    const { before, after } = change;
    const was = before !== undefined && this.#matches?.(before) === true;
    const is = after !== undefined && this.#matches?.(after) === true;
    if (!was && !is) return;
    add(this.#pending, { type: is ? (was ? "MODIFIED" : "ADDED") : "DELETED", change });
    const waitMs = this.#sentAt + this.#everyMs - this.#clock.monotonic();
    this.#cancel ??= this.#clock.after(Math.max(0, waitMs), () => this.send());
  }

  send(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#pending.size === 0) return;
    this.#sentAt = this.#clock.monotonic();
    const sending = new Sending(this.#pending);
    this.#pending = new Map();
    for (const member of this.#members) member.take(sending);
    // Timers come after what the members have written.
    const startedMs = this.#sentAt;
    this.#clock.after(0, () => {
      const tookMs = this.#clock.monotonic() - startedMs;
      this.#everyMs = Math.min(latestMs, Math.max(soonestMs, 2 * tookMs));
    });
  }
}

class Sending {
  readonly events: Pending;
  readonly messages: SharedMessages;

  constructor(events: Pending) {
    this.events = events;
    this.messages = new SharedMessages([...events.values()].map(({ type, change }) => change.message(type)));
  }
}

/** One stream. */
class Member {
  #waiting: Sending[] = [];
  #wake: (() => void) | undefined;

  take(sending: Sending): void {
    this.#waiting.push(sending);
    if (this.#waiting.length > waitingSendings) {
      const latest: Pending = new Map();
      for (const { events } of this.#waiting) for (const event of events.values()) add(latest, event);
      this.#waiting = [new Sending(latest)];
    }
    this.wake();
  }

  /** Ends the wait for the next messages. */
  wake(): void {
    this.#wake?.();
  }

  /** The next messages; undefined where the wait was ended without any. */
  async next(): Promise<SharedMessages | undefined> {
    if (this.#waiting.length === 0) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
    return this.#waiting.shift()?.messages;
  }
}

/** A later event takes the place of an earlier one of the same application; what is new to the reader stays so. */
function add(pending: Pending, event: Event): void {
  const key = keyOf((event.change.after ?? event.change.before)!);
  const earlier = pending.get(key);
  pending.delete(key);
  const type =
    event.type === "MODIFIED" && earlier?.type === "ADDED"
      ? "ADDED"
      : event.type === "ADDED" && earlier?.type === "DELETED"
        ? "MODIFIED"
        : event.type;
  pending.set(key, { type, change: event.change });
}

function keyOf({ metadata }: Application): string {
  return `${metadata.namespace}/${metadata.name}`;
}
