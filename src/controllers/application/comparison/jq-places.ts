// Which places of an object the jq expressions of ignore rules name, asked of the engine: many objects in one question,
// each answer remembered as long as the object itself is. Decides nothing about what is ignored.
import { toError } from "#base/errors.ts";
import type { Json } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Steps } from "#core/compare/paths.ts";
import type { KubernetesObject } from "#model/object.ts";
import { kubectlName } from "#kube/apply.ts";
import type { Evaluators } from "#render/engine/evaluate.ts";

/** The answer to a question, once `ask` has returned. */
export interface Selection {
  readonly steps: readonly Steps[];
  /** Why there is none: names the expression. */
  readonly error?: string;
}

export interface Question {
  readonly expression: string;
  /** The object that the answer is remembered by, and which of its versions is meant: `live`, `desired`, … */
  readonly of: KubernetesObject;
  readonly version: string;
  readonly value: KubernetesObject | undefined;
  answer: Selection;
}

type Mutable<T> = { -readonly [key in keyof T]: T[key] };

/** How much one question to the engine holds at most. */
const itemsAtOnce = 500;
const bytesAtOnce = 8 * 1024 * 1024;

const nothing: Selection = { steps: [] };

export class JqPlaces {
  readonly #evaluators: Evaluators;
  readonly #timeoutMs: () => number;
  readonly #known = new WeakMap<KubernetesObject, Map<string, Selection>>();

  /** `timeoutMs`: for one expression on one object. */
  constructor(evaluators: Evaluators, timeoutMs: () => number) {
    this.#evaluators = evaluators;
    this.#timeoutMs = timeoutMs;
  }

  /** What is known of a question, or a place for the answer: the question is added to those to `ask`. */
  note(
    questions: Question[],
    of: {
      readonly of: KubernetesObject;
      readonly version: string;
      readonly expression: string;
      readonly value: () => KubernetesObject | undefined;
    },
  ): Selection {
    const known = this.#known.get(of.of)?.get(idOf(of));
    if (known !== undefined) return known;
    const value = of.value();
    if (value === undefined) return nothing;
    const answer: Selection = { steps: [] };
    questions.push({ of: of.of, version: of.version, expression: of.expression, value, answer });
    return answer;
  }

  /** Asks the engine; fills in the answers. Only CANCELLED is thrown: what failed stands in the answer. */
  async ask(op: Op, questions: readonly Question[]): Promise<void> {
    for (let from = 0; from < questions.length;) {
      let bytes = 0;
      let to = from;
      while (to < questions.length && to - from < itemsAtOnce && bytes < bytesAtOnce)
        bytes += sizeOf(questions[to++]!.value);
      await this.#askSome(op, questions.slice(from, to));
      from = to;
    }
  }

  async #askSome(op: Op, questions: readonly Question[]): Promise<void> {
    const items = questions.map(({ expression, value }) => ({
      text: `path(\n${expression}\n)`,
      data: value as unknown as Json,
    }));
    try {
      const outcomes = await this.#evaluators.jq(op, items, { timeoutMs: this.#timeoutMs() });
      for (const [i, question] of questions.entries()) {
        const outcome = outcomes[i]!;
        const answer = question.answer as Mutable<Selection>;
        if (outcome.ok) answer.steps = outcome.value.flatMap((path) => stepsOf(question.value, path));
        else if (!isNothingThere(outcome.error.message)) answer.error = failure(question, outcome.error.message);
        this.#remember(question);
      }
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code === "CANCELLED") throw error;
      // The engine itself failed: that is no answer to be remembered.
      for (const question of questions)
        (question.answer as Mutable<Selection>).error = failure(question, error.message);
    }
  }

  #remember(question: Question): void {
    let known = this.#known.get(question.of);
    if (known === undefined) this.#known.set(question.of, (known = new Map()));
    known.set(idOf(question), question.answer);
  }
}

function idOf({ version, expression }: { readonly version: string; readonly expression: string }): string {
  return `${version}\n${expression}`;
}

function failure({ expression, version, value }: Question, message: string): string {
  const object = value === undefined ? "" : ` ${kubectlName(value)}`;
  return `ignoreDifferences: the jq expression ${JSON.stringify(expression)} failed on the ${version} object${object}: ${message}`;
}

/** A list that is not there has no elements to ignore: Argo CD takes no offence at that either. */
function isNothingThere(message: string): boolean {
  return /cannot iterate over: null\b/.test(message);
}

/** About the size of a value's JSON. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length + 3;
  if (typeof value !== "object" || value === null) return 8;
  let size = 2;
  for (const [key, item] of Object.entries(value)) size += key.length + 4 + sizeOf(item);
  return size;
}

/** A jq path as steps. Negative indexes count from the end, a slice names each of its elements. */
export function stepsOf(value: unknown, path: Json): Steps[] {
  if (!Array.isArray(path)) return [];
  let found: { readonly steps: readonly string[]; readonly value: unknown }[] = [{ steps: [], value }];
  for (const step of path as readonly unknown[])
    found = found.flatMap(({ steps, value: at }) =>
      keysOf(step, at).map((key) => ({
        steps: [...steps, key],
        value: typeof at === "object" && at !== null ? (at as Record<string, unknown>)[key] : undefined,
      })),
    );
  return found.map(({ steps }) => steps);
}

function keysOf(step: unknown, at: unknown): string[] {
  if (typeof step === "string") return [step];
  const length = Array.isArray(at) ? at.length : 0;
  if (typeof step === "number") return [String(step < 0 ? step + length : Math.floor(step))];
  if (typeof step !== "object" || step === null) return [];
  const { start, end } = step as { readonly start?: number | null; readonly end?: number | null };
  const place = (index: number | null | undefined, fallback: number): number =>
    index === null || index === undefined
      ? fallback
      : Math.max(0, Math.min(length, index < 0 ? index + length : index));
  const keys: string[] = [];
  for (let i = place(start, 0); i < place(end, length); i++) keys.push(String(i));
  return keys;
}
