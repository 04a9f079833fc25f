// Names that Kubernetes derives: pod-template-hash, revisions, random suffixes. Stable from run to run.
import type { Random } from "#base/ports.ts";
import { stableStringify } from "#base/json.ts";

/** Letters and digits without vowels and look-alikes, so that no name spells a word. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

function spell(digits: string): string {
  let text = "";
  for (const digit of digits) text += alphabet[digit.charCodeAt(0) % alphabet.length];
  return text;
}

/** A short name for a value: equal values give equal names. `salt` tells collisions apart. */
export function shortHash(value: unknown, salt: number | undefined): string {
  return spell(String(fnv1a(`${stableStringify(value)}${salt === undefined ? "" : `#${salt}`}`)));
}

/** Five random letters, as generateName appends them. */
export function randomSuffix(random: Random): string {
  let text = "";
  for (let i = 0; i < 5; i++) text += alphabet[Math.floor(random.next() * alphabet.length)];
  return text;
}
