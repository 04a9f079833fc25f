// Objects of one kind by namespace and label, so that a selector finds its objects without a scan; and selectors by
// namespace, so that an object finds who selects it.
import type { KubernetesObject } from "#model/object.ts";
import { matches, type LabelSelector } from "./selectors.ts";

const none: ReadonlyMap<string, never> = new Map<string, never>();

class Buckets<T> {
  readonly #byNamespace = new Map<string, Map<string, Map<string, T>>>();

  add(namespace: string, label: string, id: string, value: T): void {
    let labels = this.#byNamespace.get(namespace);
    if (labels === undefined) this.#byNamespace.set(namespace, (labels = new Map()));
    const bucket = labels.get(label);
    if (bucket === undefined) labels.set(label, new Map([[id, value]]));
    else bucket.set(id, value);
  }

  remove(namespace: string, label: string, id: string): void {
    const labels = this.#byNamespace.get(namespace);
    const bucket = labels?.get(label);
    bucket?.delete(id);
    if (bucket?.size === 0) labels?.delete(label);
    if (labels?.size === 0) this.#byNamespace.delete(namespace);
  }

  get(namespace: string, label: string): ReadonlyMap<string, T> {
    return this.#byNamespace.get(namespace)?.get(label) ?? none;
  }
}

const everything = "";

export class LabelIndex {
  readonly #buckets = new Buckets<KubernetesObject>();

  /** Takes an object's new and former state; either may be absent. */
  put(now: KubernetesObject | undefined, before: KubernetesObject | undefined): void {
    if (before !== undefined && (now === undefined || now.metadata.labels !== before.metadata.labels)) {
      this.#each(before, (namespace, label, id) => this.#buckets.remove(namespace, label, id));
    }
    if (now !== undefined) this.#each(now, (namespace, label, id) => this.#buckets.add(namespace, label, id, now));
  }

  /** The objects of a namespace that a selector matches. An undefined selector matches nothing, an empty one all. */
  select(namespace: string, selector: LabelSelector | undefined): readonly KubernetesObject[] {
    if (selector === undefined) return [];
    let smallest = this.#buckets.get(namespace, everything);
    for (const [name, value] of Object.entries(selector.matchLabels ?? {})) {
      const bucket = this.#buckets.get(namespace, `${name}=${value}`);
      if (bucket.size < smallest.size) smallest = bucket;
    }
    const found: KubernetesObject[] = [];
    for (const object of smallest.values()) if (matches(selector, object.metadata.labels)) found.push(object);
    return found;
  }

  #each(object: KubernetesObject, visit: (namespace: string, label: string, id: string) => void): void {
    const { namespace = "", uid = "", labels } = object.metadata;
    visit(namespace, everything, uid);
    for (const name in labels) visit(namespace, `${name}=${labels[name]}`, uid);
  }
}

/** Selectors by the label that they ask for: who selects this object? */
export class SelectorIndex {
  readonly #buckets = new Buckets<LabelSelector>();
  readonly #where = new Map<string, { namespace: string; label: string; selector: LabelSelector }>();

  /** Sets, or with undefined forgets, the selector of the object `key` (`namespace/name`). */
  set(key: string, namespace: string, selector: LabelSelector | undefined): void {
    const before = this.#where.get(key);
    if (before !== undefined) {
      if (before.selector === selector) return;
      this.#buckets.remove(before.namespace, before.label, key);
      this.#where.delete(key);
    }
    if (selector === undefined) return;
    // The rarest of its labels: most objects then never meet this selector.
    let label = everything;
    let size = Number.POSITIVE_INFINITY;
    for (const [name, value] of Object.entries(selector.matchLabels ?? {})) {
      const text = `${name}=${value}`;
      const there = this.#buckets.get(namespace, text).size;
      if (there < size) [label, size] = [text, there];
    }
    this.#buckets.add(namespace, label, key, selector);
    this.#where.set(key, { namespace, label, selector });
  }

  /** Keys whose selector matches these labels. */
  matching(namespace: string, labels: Readonly<Record<string, string>> | undefined): string[] {
    const keys: string[] = [];
    const look = (label: string): void => {
      for (const [key, selector] of this.#buckets.get(namespace, label)) if (matches(selector, labels)) keys.push(key);
    };
    look(everything);
    for (const name in labels) look(`${name}=${labels[name]}`);
    return keys;
  }
}
