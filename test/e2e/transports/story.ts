// A story: what a person does to an installation, in order, written once and told by every driver. What each of them was
// answered is kept in one shape, so that the answers can be held against each other.
import { isObject, sameJson } from "#base/json.ts";
import type { RunningWorld } from "../../support/world.ts";
import { eventually } from "../../support/eventually.ts";
import { Refused } from "../../support/rpc.ts";
import type { Driver, Verb } from "./driver.ts";
import type { SecondCluster } from "./second-cluster.ts";
import { shapeOf, type Replacements } from "./shape.ts";

export interface Story {
  readonly name: string;
  /** Of the API's transports alone: no command does this. */
  readonly apiOnly?: boolean;
  readonly run: (told: Told) => Promise<void>;
}

/** Names a story; names of objects are made of `name`. */
export function story(name: string, run: Story["run"], options: { readonly apiOnly?: boolean } = {}): Story {
  return { name, run, ...options };
}

/** One thing that was done, with what came of it. */
export type Entry =
  | { readonly did: string; readonly answer: unknown }
  | { readonly did: string; readonly refused: string; readonly status: string };

export interface Shared {
  readonly world: RunningWorld;
  /** A repository with the folders `web` and `small` on its branch main. */
  readonly repoURL: string;
  /** Makes a further repository; returns its URL. */
  newRepository(name: string): Promise<string>;
  /** The cluster at an address that nobody else has. */
  anotherCluster(): Promise<SecondCluster>;
}

/** A story as one driver tells it. */
export class Told {
  readonly shared: Shared;
  readonly driver: Driver;
  readonly transcript: Entry[] = [];
  readonly #own: Replacements;

  constructor(shared: Shared, driver: Driver) {
    this.shared = shared;
    this.driver = driver;
    this.#own = [
      [driver.prefix, "own"],
      // Further clusters and servers, each at a port of its own.
      [/127\.0\.0\.1:\d+/g, "ADDRESS"],
    ];
  }

  /** A name of this driver's own. */
  name(what: string): string {
    return `${this.driver.prefix}-${what}`;
  }

  /** Does it, and keeps what was answered. */
  async do<A, R>(what: Verb<A, R>, given: A): Promise<R> {
    const answer = await this.driver.do(what, given);
    this.transcript.push({ did: what.name, answer: shapeOf(answer, this.#own) });
    return answer;
  }

  /** Does it; what is answered is this driver's own affair. */
  unseen<A, R>(what: Verb<A, R>, given: A): Promise<R> {
    return this.driver.do(what, given);
  }

  /** Asks until the answer passes the check (a function that throws), and keeps that one. */
  async until<A, R>(what: Verb<A, R>, given: A, check: (answer: R) => unknown): Promise<R> {
    const answer = await eventually(async () => {
      const found = await this.driver.do(what, given);
      await check(found);
      return found;
    });
    this.transcript.push({ did: what.name, answer: shapeOf(answer, this.#own) });
    return answer;
  }

  /**
   * Does it, and is refused; returns the message. Command lines that find out by themselves say it in their own words:
   * `saying` is what all of them say then.
   */
  async refused<A, R>(what: Verb<A, R>, given: A, saying?: RegExp): Promise<string> {
    try {
      await this.driver.do(what, given);
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown;
      if (saying && !saying.test(thrown.message)) throw thrown;
      const refused = saying ? saying.source : ((shapeOf(thrown.message, this.#own) as string | undefined) ?? "");
      this.transcript.push({ did: what.name, refused, status: saying ? "" : thrown.status });
      return thrown.message;
    }
    throw new Error(`${what.name} was not refused`);
  }
}

/** What two tellings of a story differ in, in words; undefined where they are the same. */
export function differenceOf(one: readonly Entry[], other: readonly Entry[]): string | undefined {
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    const [a, b] = [one[index], other[index]];
    const found =
      a && b && "refused" in a && "refused" in b
        ? refusalsDiffer(a, b)
        : differences(a, b, "").slice(0, mostShown).join("\n");
    if (found !== "") return `${index}, ${a?.did ?? b?.did}:\n${found}`;
  }
  return undefined;
}

const mostShown = 20;

function differences(a: unknown, b: unknown, path: string): string[] {
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length)
    return a.flatMap((item, index) => differences(item, b[index], `${path}[${index}]`));
  if (isObject(a) && isObject(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return keys.flatMap((key) => differences(a[key], b[key], `${path}.${key}`));
  }
  return sameJson(a, b) ? [] : [`${path}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`];
}

type RefusedEntry = Extract<Entry, { readonly refused: string }>;

/** A command line has the server's sentence in its own, and no status. */
function refusalsDiffer(a: RefusedEntry, b: RefusedEntry): string {
  const bothKnown = a.status !== "" && b.status !== "";
  const same = bothKnown
    ? a.status === b.status && a.refused === b.refused
    : a.refused.includes(b.refused) || b.refused.includes(a.refused);
  return same ? "" : `refused ${a.status}: ${a.refused}\nrefused ${b.status}: ${b.refused}`;
}
