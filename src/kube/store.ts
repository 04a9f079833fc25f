// The live cache's memory: entries by key, by owner, by tag, by namespace. Knows nothing of requests. Small on purpose:
// most entries are of objects that nobody manages (about 300 bytes each), so strings are shared, there are no closures,
// and an index that holds one entry holds it bare instead of in a set.
import type { KubernetesObject, ObjectKey, OwnerReference } from "#model/object.ts";
import type { LiveChange, LiveEntry, LiveFact, LiveOwner } from "./live.ts";

/** A kind in a namespace: what its entries share. */
interface Place {
  readonly of: StoredKind;
  readonly namespace: string;
}

/**
 * One kind: what its entries share, and the entries by namespace and name. No key text is made of the two: it would cost
 * as much as half of what is kept of most objects.
 */
export class StoredKind {
  readonly group: string;
  readonly kind: string;
  version: string;
  readonly #namespaces = new Map<string, Map<string, Entry>>();
  readonly #places = new Map<string, Place>();
  #size = 0;

  constructor(group: string, kind: string, version: string) {
    this.group = group;
    this.kind = kind;
    this.version = version;
  }

  get size(): number {
    return this.#size;
  }

  /** The one object that stands for this kind in a namespace. */
  place(namespace: string): Place {
    let place = this.#places.get(namespace);
    if (place === undefined) this.#places.set(namespace, (place = { of: this, namespace }));
    return place;
  }

  get(namespace: string, name: string): Entry | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  *values(): Iterable<Entry> {
    for (const names of this.#namespaces.values()) yield* names.values();
  }

  /** A list of its own: the caller may cause changes while it walks. */
  inNamespace(namespace: string): readonly Entry[] {
    const names = this.#namespaces.get(namespace);
    return names === undefined ? [] : [...names.values()];
  }

  set(entry: Entry): void {
    let names = this.#namespaces.get(entry.namespace);
    if (names === undefined) this.#namespaces.set(entry.namespace, (names = new Map()));
    const before = names.size;
    names.set(entry.name, entry);
    this.#size += names.size - before;
  }

  delete(entry: Entry): void {
    const names = this.#namespaces.get(entry.namespace);
    if (names?.delete(entry.name) !== true) return;
    this.#size--;
    if (names.size > 0) return;
    this.#namespaces.delete(entry.namespace);
    this.#places.delete(entry.namespace);
  }
}

/** The middle of the years that fit into a small integer: 2000 ± 34. */
const epochS = 946_684_800;

const noOwners: readonly LiveOwner[] = [];

/** An entry of which nothing but metadata is kept: most are, so it has no fields for what the others have. */
export class Entry implements LiveEntry {
  readonly name: string;
  readonly owners: readonly LiveOwner[];
  readonly #place: Place;
  /** Packed: see packedUid. */
  readonly #uid: string;
  /** A number where it is one that is written as such. */
  readonly #resourceVersion: string | number;
  /** Seconds since the epoch (a small integer instead of a string), doubled; odd: being deleted. */
  readonly #times: number;

  constructor(of: StoredKind, fields: EntryFields) {
    this.#place = of.place(fields.namespace);
    this.name = fields.name;
    this.#uid = packedUid(fields.uid);
    this.#resourceVersion = packedVersion(fields.resourceVersion);
    this.owners = fields.owners;
    this.#times = (fields.createdAtS - epochS) * 2 + (fields.deleting ? 1 : 0);
  }

  get of(): StoredKind {
    return this.#place.of;
  }

  get namespace(): string {
    return this.#place.namespace;
  }

  get uid(): string {
    return unpackedUid(this.#uid);
  }

  get resourceVersion(): string {
    return String(this.#resourceVersion);
  }

  get key(): ObjectKey {
    return { group: this.of.group, kind: this.of.kind, namespace: this.namespace, name: this.name };
  }

  get version(): string {
    return this.of.version;
  }

  get deleting(): boolean {
    return this.#times % 2 !== 0;
  }

  get createdAt(): string | undefined {
    const seconds = Math.floor(this.#times / 2) + epochS;
    return seconds === 0 ? undefined : `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
  }

  /** Only its metadata was read. */
  get partial(): boolean {
    return true;
  }

  get tag(): string | undefined {
    return undefined;
  }

  get object(): KubernetesObject | undefined {
    return undefined;
  }

  get info(): readonly LiveFact[] | undefined {
    return undefined;
  }
}

const uidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const packedLength = 16;

/** A uid's 16 bytes as 16 characters; as it is where it is none of that form. */
function packedUid(uid: string): string {
  if (!uidForm.test(uid)) return uid.length === packedLength ? `${uid}\0` : uid;
  const hex = uid.replaceAll("-", "");
  const bytes: number[] = [];
  for (let i = 0; i < hex.length; i += 2) bytes.push(Number.parseInt(hex.slice(i, i + 2), 16));
  return String.fromCharCode(...bytes);
}

function unpackedUid(packed: string): string {
  if (packed.length !== packedLength) return packed.endsWith("\0") ? packed.slice(0, -1) : packed;
  let hex = "";
  for (let i = 0; i < packedLength; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) hex += "-";
    hex += packed.charCodeAt(i).toString(16).padStart(2, "0");
  }
  return hex;
}

/** The largest integer that needs no memory of its own. */
const largestSmall = 2 ** 31 - 1;

function packedVersion(version: string): string | number {
  const number = Number(version);
  return number <= largestSmall && String(number) === version ? number : version;
}

class DetailedEntry extends Entry {
  readonly #details: EntryFields["details"];

  constructor(of: StoredKind, fields: EntryFields) {
    super(of, fields);
    this.#details = fields.details;
  }

  override get partial(): boolean {
    return this.#details.partial;
  }

  override get tag(): string | undefined {
    return this.#details.tag;
  }

  override get object(): KubernetesObject | undefined {
    return this.#details.object;
  }

  override get info(): readonly LiveFact[] | undefined {
    return this.#details.info;
  }
}

export interface EntryFields {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly owners: readonly LiveOwner[];
  readonly deleting: boolean;
  /** 0: unknown. */
  readonly createdAtS: number;
  readonly details: {
    readonly partial: boolean;
    readonly tag: string | undefined;
    readonly object: KubernetesObject | undefined;
    readonly info: readonly LiveFact[] | undefined;
  };
}

export function makeEntry(of: StoredKind, fields: EntryFields): Entry {
  const { partial, tag, object, info } = fields.details;
  const bare = partial && tag === undefined && object === undefined && info === undefined;
  return bare ? new Entry(of, fields) : new DetailedEntry(of, fields);
}

/** From how many entries on a set is worth its memory: below, a list is smaller and searching it is quick. */
const largeAt = 16;

/** Several entries under one value of an index: one alone, a few in a list, many in a set. */
class Index {
  readonly #map = new Map<string, Entry | Entry[] | Set<Entry>>();

  add(value: string, entry: Entry): void {
    const there = this.#map.get(value);
    if (there === undefined) this.#map.set(value, entry);
    else if (there instanceof Set) there.add(entry);
    else if (!Array.isArray(there)) this.#map.set(value, [there, entry]);
    // A list that grows in place doubles its room and more; most never grow again.
    else if (there.length < largeAt) this.#map.set(value, there.concat([entry]));
    else this.#map.set(value, new Set(there).add(entry));
  }

  delete(value: string, entry: Entry): void {
    const there = this.#map.get(value);
    if (there === entry) this.#map.delete(value);
    else if (there instanceof Set) {
      there.delete(entry);
      if (there.size === 0) this.#map.delete(value);
    } else if (Array.isArray(there)) {
      const index = there.indexOf(entry);
      if (index >= 0) there.splice(index, 1);
      if (there.length === 0) this.#map.delete(value);
    }
  }

  /** A list of its own: the caller may cause changes while it walks. */
  get(value: string): Iterable<Entry> {
    const there = this.#map.get(value);
    return there === undefined ? [] : there instanceof Entry ? [there] : [...there];
  }

  any(value: string): Entry | undefined {
    const there = this.#map.get(value);
    if (there === undefined || there instanceof Entry) return there;
    if (Array.isArray(there)) return there[0];
    for (const entry of there) return entry;
    return undefined;
  }
}

export class LiveStore {
  readonly #kinds = new Map<string, StoredKind>();
  readonly #byOwner = new Index();
  readonly #byTag = new Index();
  /** Namespaces and kinds of owners. */
  readonly #texts = new Map<string, string>();
  readonly #listeners = new Set<(change: LiveChange) => void>();

  get size(): number {
    let size = 0;
    for (const kind of this.#kinds.values()) size += kind.size;
    return size;
  }

  /** The kind's place, made where it is not there yet. */
  kind(group: string, kind: string, version: string): StoredKind {
    const text = kindText(group, kind);
    let found = this.#kinds.get(text);
    if (found === undefined) {
      found = new StoredKind(group, kind, version);
      this.#kinds.set(text, found);
    }
    found.version = version;
    return found;
  }

  get(key: ObjectKey): Entry | undefined {
    return this.#kinds.get(kindText(key.group, key.kind))?.get(key.namespace, key.name);
  }

  *entries(): Iterable<Entry> {
    for (const kind of this.#kinds.values()) yield* kind.values();
  }

  tagged(tag: string): Iterable<Entry> {
    return this.#byTag.get(tag);
  }

  children(uid: string): Iterable<Entry> {
    return this.#byOwner.get(uid);
  }

  *inNamespace(namespace: string): Iterable<Entry> {
    for (const kind of this.#kinds.values()) yield* kind.inNamespace(namespace);
  }

  subscribe(listener: (change: LiveChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Puts an entry in the place of the one with its key, and tells. */
  put(entry: Entry): void {
    const before = entry.of.get(entry.namespace, entry.name);
    entry.of.set(entry);
    this.#reindex(before, entry);
    this.#tell(before === undefined ? { after: entry } : { before, after: entry });
  }

  delete(entry: Entry): void {
    if (entry.of.get(entry.namespace, entry.name) !== entry) return;
    entry.of.delete(entry);
    this.#reindex(entry, undefined);
    this.#tell({ before: entry });
  }

  /** The one string for a namespace that all its entries share. */
  namespace(text: string): string {
    return this.#shared(text);
  }

  /** The one string for a text of which there are few. */
  #shared(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }

  /** An object's owners, sharing what its siblings hold already. */
  owners(references: readonly OwnerReference[] | undefined): readonly LiveOwner[] {
    if (references === undefined || references.length === 0) return noOwners;
    const first = references[0];
    if (references.length === 1 && first !== undefined) {
      const sibling = this.#byOwner.any(first.uid);
      if (sibling?.owners.length === 1 && sibling.owners[0]?.controller === first.controller) return sibling.owners;
    }
    return references.map(({ uid, kind, name, controller }) => {
      const shared = this.#shared(kind);
      return controller === undefined ? { uid, kind: shared, name } : { uid, kind: shared, name, controller };
    });
  }

  #reindex(before: Entry | undefined, after: Entry | undefined): void {
    if (before !== undefined) {
      for (const { uid } of before.owners) this.#byOwner.delete(uid, before);
      if (before.tag !== undefined) this.#byTag.delete(before.tag, before);
    }
    if (after !== undefined) {
      for (const { uid } of after.owners) this.#byOwner.add(uid, after);
      if (after.tag !== undefined) this.#byTag.add(after.tag, after);
    }
  }

  #tell(change: LiveChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

export function kindText(group: string, kind: string): string {
  return `${group}/${kind}`;
}

export function localKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/**
 * Whether resourceVersion `a` is newer than `b`. They are opaque, but in practice growing numbers (KEP-5504); where one
 * is not a number the answer is true, so that what comes later wins.
 */
export function isNewer(a: string, b: string): boolean {
  if (!isDigits(a) || !isDigits(b)) return true;
  return a.length === b.length ? a > b : a.length > b.length;
}

function isDigits(text: string): boolean {
  if (text === "") return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57) return false;
  }
  return true;
}
