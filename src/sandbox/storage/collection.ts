// The objects of one resource in memory, by namespace and name, listed in the order of their keys as etcd lists them.
import type { KubernetesObject } from "#model/object.ts";

interface Bucket {
  readonly objects: Map<string, KubernetesObject>;
  /** Names in order; made when first listed, then kept in step. */
  names?: string[];
}

export class Collection {
  private readonly buckets = new Map<string, Bucket>();
  private namespaceOrder: string[] | undefined;
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(namespace: string, name: string): KubernetesObject | undefined {
    return this.buckets.get(namespace)?.objects.get(name);
  }

  set(namespace: string, name: string, object: KubernetesObject): void {
    let bucket = this.buckets.get(namespace);
    if (bucket === undefined) {
      bucket = { objects: new Map() };
      this.buckets.set(namespace, bucket);
      this.namespaceOrder = undefined;
    }
    if (!bucket.objects.has(name)) {
      this.count++;
      if (bucket.names !== undefined) bucket.names.splice(position(bucket.names, name), 0, name);
    }
    bucket.objects.set(name, object);
  }

  delete(namespace: string, name: string): void {
    const bucket = this.buckets.get(namespace);
    if (bucket === undefined || !bucket.objects.delete(name)) return;
    this.count--;
    if (bucket.names !== undefined) bucket.names.splice(position(bucket.names, name), 1);
    if (bucket.objects.size === 0) {
      this.buckets.delete(namespace);
      this.namespaceOrder = undefined;
    }
  }

  /** All objects, or those of one namespace, in key order. */
  list(namespace?: string): KubernetesObject[] {
    const found: KubernetesObject[] = [];
    if (namespace !== undefined) {
      this.addBucket(namespace, found);
      return found;
    }
    // As part of a key a namespace is followed by a slash, which sorts after "-".
    this.namespaceOrder ??= [...this.buckets.keys()].sort((a, b) => byText(`${a}/`, `${b}/`));
    for (const each of this.namespaceOrder) this.addBucket(each, found);
    return found;
  }

  private addBucket(namespace: string, found: KubernetesObject[]): void {
    const bucket = this.buckets.get(namespace);
    if (bucket === undefined) return;
    bucket.names ??= [...bucket.objects.keys()].sort(byText);
    for (const name of bucket.names) found.push(bucket.objects.get(name) as KubernetesObject);
  }
}

export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Where `name` stands, or would stand, in the ordered `names`. */
function position(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((names[middle] as string) < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
