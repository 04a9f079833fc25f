// What comparing needs besides the two ends of an object and can only be asked for: which places jq expressions of ignore
// rules name, and what the API server answers to a dry run. Remembered by the objects themselves, so that an unchanged
// object asks nobody twice. What cannot be had makes one object unknown, never a whole application.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { CompareSettings } from "#core/compare/compare.ts";
import type { Selected } from "#core/compare/ignore.ts";
import { lastAppliedOf } from "#core/compare/last-applied.ts";
import { normalized } from "#core/compare/normalize.ts";
import { respectIgnored } from "#core/compare/respect.ts";
import { Aborts } from "#kube/aborts.ts";
import { Limiter } from "#kube/limiter.ts";
import type { LiveEntry } from "#kube/live.ts";
import { fieldManager } from "#model/names.ts";
import { gvkOf, type KubernetesObject, type ObjectKey } from "#model/object.ts";
import type { Comparing, HowCompared } from "./compare-settings.ts";
import type { DestinationCluster } from "../deps.ts";
import type { JqPlaces, Question, Selection } from "./jq-places.ts";

/** Dry runs under way at once on one cluster. */
const dryRunsAtOnce = 8;

export interface Ends {
  readonly text: string;
  readonly key: ObjectKey;
  readonly desired: { readonly object: KubernetesObject; readonly hash: string };
  readonly live: LiveEntry | undefined;
}

export interface Evidence {
  /** The entries that the evidence is of, by key text: what is compared with it. */
  readonly live: ReadonlyMap<string, LiveEntry | undefined>;
  readonly how: ReadonlyMap<string, HowCompared>;
  /** Objects of which it could not be had, and time may mend that. */
  readonly again: readonly string[];
}

interface Place {
  readonly cluster: DestinationCluster;
  readonly comparing: Comparing;
}

type Answer = { readonly object: KubernetesObject } | { readonly error: string };

const noEvidence: Evidence = { live: new Map(), how: new Map(), again: [] };

export class EvidenceGatherer {
  readonly #jq: JqPlaces;
  #answers = new WeakMap<KubernetesObject, { readonly of: string; readonly answer: Answer }>();
  readonly #limiters = new WeakMap<DestinationCluster, Limiter>();

  constructor(jq: JqPlaces) {
    this.#jq = jq;
  }

  /** Forgets the API servers' answers: what webhooks do may have changed. */
  forgetAnswers(): void {
    this.#answers = new WeakMap();
  }

  /** Takes the objects that are going to be compared; returns what is needed of those that need something. */
  async gather(op: Op, place: Place, ends: Iterable<Ends>): Promise<Evidence> {
    const needed: (Ends & { readonly how: CompareSettings })[] = [];
    for (const each of ends) {
      const how = place.comparing.settingsFor(each.key, each.desired.object);
      if ("error" in how || (how.method !== "server-side" && !asksJq(how))) continue;
      needed.push({ ...each, how });
    }
    if (needed.length === 0) return noEvidence;
    const live = new Map<string, LiveEntry | undefined>();
    for (const each of needed) live.set(each.text, each.live);
    const found = new Map<string, HowCompared>();
    const again: string[] = [];
    const whole = needed.filter((each) => each.live?.object !== undefined);
    const answers = await Promise.all(whole.map((each) => this.#answerTo(op, place.cluster, each)));
    const questions: Question[] = [];
    const selections = whole.map((each, i) => this.#questions(each, answers[i], questions));
    await this.#jq.ask(op, questions);
    for (const [i, each] of whole.entries()) {
      const how = told(each.how, answers[i], selections[i]?.());
      found.set(each.text, how);
      if ("error" in how) again.push(each.text);
    }
    return { live, how: found, again };
  }

  /**
   * RespectIgnoreDifferences: the object to apply with what is ignored taken from the live one. Throws what a jq
   * expression failed with: nothing is written over on doubt.
   */
  async respected(
    op: Op,
    { cluster, comparing }: Place,
    ends: { readonly key: ObjectKey; readonly desired: KubernetesObject; readonly live: KubernetesObject },
  ): Promise<KubernetesObject> {
    const how = comparing.settingsFor(ends.key, ends.desired);
    if ("error" in how) throw new DriftlessError("SPEC_INVALID", how.error);
    if (how.ignore.length === 0) return ends.desired;
    const questions: Question[] = [];
    const of = { ...how, method: "structured-merge" as const };
    const selection = this.#selected(of, ends.desired, ends.live, undefined, questions);
    await this.#jq.ask(op, questions);
    const selected = selection?.();
    if (selected !== undefined && "error" in selected) throw new DriftlessError("SPEC_INVALID", selected.error);
    return respectIgnored(ends.desired, ends.live, cluster.schemaOf(ends.desired), {
      ignore: how.ignore,
      ...(selected === undefined ? {} : { selected }),
    });
  }

  #questions(
    each: Ends & { readonly how: CompareSettings },
    answer: Answer | undefined,
    questions: Question[],
  ): (() => Selected | { error: string }) | undefined {
    const object = answer !== undefined && "object" in answer ? answer.object : undefined;
    return this.#selected(each.how, each.desired.object, each.live!.object!, object, questions);
  }

  /** Notes what has to be asked; the function it returns tells the answer, once that is known. */
  #selected(
    how: CompareSettings,
    desired: KubernetesObject,
    live: KubernetesObject,
    answer: KubernetesObject | undefined,
    questions: Question[],
  ): (() => Selected | { error: string }) | undefined {
    if (!asksJq(how)) return undefined;
    const expressions = [...new Set(how.ignore.flatMap((rule) => rule.jqPathExpressions))];
    const options = { status: how.status ?? "ignore" };
    const ask = (version: string, of: KubernetesObject, value: () => KubernetesObject | undefined): Selection[] =>
      expressions.map((expression) => this.#jq.note(questions, { of, version, expression, value }));
    const asked = {
      live: ask("live", live, () => live),
      desired: ask("desired", desired, () => normalized(desired, options)),
      lastApplied:
        how.method === "three-way"
          ? ask("last applied", live, () => {
              const last = lastAppliedOf(live);
              return last && normalized(last, options);
            })
          : [],
      answer: answer === undefined ? [] : ask("predicted", answer, () => answer),
    };
    return () => {
      const failed = Object.values(asked)
        .flat()
        .find((selection) => selection.error !== undefined);
      if (failed?.error !== undefined) return { error: failed.error };
      const steps = (selections: readonly Selection[]) => selections.flatMap((selection) => selection.steps);
      return {
        live: steps(asked.live),
        desired: steps(asked.desired),
        lastApplied: steps(asked.lastApplied),
        answer: steps(asked.answer),
      };
    };
  }

  async #answerTo(
    op: Op,
    cluster: DestinationCluster,
    { how, desired, live, key }: Ends & { readonly how: CompareSettings },
  ): Promise<Answer | undefined> {
    if (how.method !== "server-side") return undefined;
    const object = live!.object!;
    const known = this.#answers.get(object);
    if (known?.of === desired.hash) return known.answer;
    const limiter = this.#limiterOf(cluster);
    await limiter.acquire(op.signal);
    let answer: Answer;
    try {
      answer = await dryRun(op, cluster, key, desired.object);
    } finally {
      limiter.release();
    }
    if ("object" in answer) this.#answers.set(object, { of: desired.hash, answer });
    return answer;
  }

  #limiterOf(cluster: DestinationCluster): Limiter {
    let limiter = this.#limiters.get(cluster);
    if (limiter === undefined) this.#limiters.set(cluster, (limiter = new Limiter(dryRunsAtOnce, new Aborts())));
    return limiter;
  }
}

function asksJq(how: CompareSettings): boolean {
  return how.ignore.some((rule) => rule.jqPathExpressions.length > 0);
}

function told(
  how: CompareSettings,
  answer: Answer | undefined,
  selected: Selected | { readonly error: string } | undefined,
): HowCompared {
  if (answer !== undefined && "error" in answer) return answer;
  if (selected !== undefined && "error" in selected) return selected;
  return {
    ...how,
    ...(answer === undefined ? {} : { answer: answer.object }),
    ...(selected === undefined ? {} : { selected }),
  };
}

/** A server-side apply that the API server only tries. */
async function dryRun(
  op: Op,
  cluster: DestinationCluster,
  { namespace, name }: ObjectKey,
  desired: KubernetesObject,
): Promise<Answer> {
  try {
    const type = cluster.typeOf(gvkOf(desired));
    if (type === undefined)
      return { error: `the cluster does not know the kind ${desired.apiVersion} ${desired.kind}` };
    const ref = namespace === "" ? { name } : { namespace, name };
    const body = normalized(desired, { status: "ignore" });
    const options = { fieldManager, dryRun: true, force: true } as const;
    return { object: await cluster.client.patch(op, type, ref, { type: "apply", body }, options) };
  } catch (thrown) {
    const error = toError(thrown);
    if (error.code === "CANCELLED") throw error;
    return { error: `server-side diff: ${error.message}` };
  }
}
