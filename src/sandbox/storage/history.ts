// The last changes of one resource, bounded, so that a watch can go on from a past resourceVersion and a list can show
// a past state. What fell out of it is answered with 410 Gone by the layers above.
import type { KubernetesObject } from "#model/object.ts";

export interface StoreEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly rv: number;
  /** For DELETED: its last state, with the resourceVersion of the deletion. */
  readonly object: KubernetesObject;
  readonly old?: KubernetesObject;
  readonly atMs: number;
  /** The object's JSON text, kept for as long as watches are likely to need it. */
  text?: string;
}

export interface HistoryLimits {
  /** Never more events than this. */
  readonly maxEvents: number;
  /** Events younger than `keepMs` and the last `minEvents` are kept, within the maximum. */
  readonly minEvents: number;
  readonly keepMs: number;
}

export const defaultHistoryLimits: HistoryLimits = { maxEvents: 20_000, minEvents: 1_000, keepMs: 300_000 };
/** Texts of older events are made again when a late watch asks. */
const eventsWithText = 256;

export class History {
  private events: StoreEvent[] = [];
  private first = 0;
  /** Changes up to and including this resourceVersion may be missing. */
  private forgottenUpTo: number;
  private readonly limits: HistoryLimits;

  constructor(limits: HistoryLimits, startRv: number) {
    this.limits = limits;
    this.forgottenUpTo = startRv;
  }

  push(event: StoreEvent): void {
    this.events.push(event);
    const stale = this.events[this.events.length - 1 - eventsWithText];
    if (stale !== undefined) delete stale.text;
    const { maxEvents, minEvents, keepMs } = this.limits;
    let size = this.events.length - this.first;
    for (let next = this.events[this.first]; next !== undefined; next = this.events[this.first]) {
      if (size <= maxEvents && (size <= minEvents || next.atMs > event.atMs - keepMs)) break;
      this.forgottenUpTo = next.rv;
      this.first++;
      size--;
    }
    if (this.first > 1024 && this.first * 2 > this.events.length) {
      this.events = this.events.slice(this.first);
      this.first = 0;
    }
  }

  /** Whether every change after `rv` is still known. */
  covers(rv: number): boolean {
    return rv >= this.forgottenUpTo;
  }

  /** The oldest resourceVersion from which a watch can start. */
  get oldest(): number {
    return this.forgottenUpTo;
  }

  /** Changes after `rv`, oldest first. */
  after(rv: number): StoreEvent[] {
    let low = this.first;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.events[middle] as StoreEvent).rv > rv) high = middle;
      else low = middle + 1;
    }
    return this.events.slice(low);
  }
}
