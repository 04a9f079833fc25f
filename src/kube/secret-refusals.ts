// What an API server says of a Secret that it refuses may repeat what is in it: admission webhooks and policies word their
// messages as they like. Such a message goes to conditions, Events, logs and answers, so values are taken out of it here.
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { ResourcePath } from "./types.ts";

const hidden = "********";
/** Shorter ones would take ordinary words apart. */
const shortest = 4;

/** Takes what a write threw, its kind and the body that was sent; returns what is to be thrown. */
export function withoutSecretValues(
  thrown: unknown,
  type: Pick<ResourcePath, "group" | "plural">,
  body: unknown,
): unknown {
  if (type.plural !== "secrets" || type.group !== "" || !(thrown instanceof DriftlessError)) return thrown;
  let { message } = thrown;
  for (const value of valuesIn(body)) message = message.replaceAll(value, hidden);
  // No cause: its message is the one that must not be seen.
  return message === thrown.message ? thrown : new DriftlessError(thrown.code, message, { details: thrown.details });
}

/** The values of a Secret, or of a patch of one, in each way that a message may hold them; the longest first. */
function valuesIn(body: unknown): readonly string[] {
  const found = new Set<string>();
  const add = (text: string): void => {
    for (const form of [text, JSON.stringify(text).slice(1, -1)]) if (form.length >= shortest) found.add(form);
  };
  const encoded = (text: unknown): void => {
    if (typeof text !== "string") return;
    add(text);
    add(Buffer.from(text, "base64").toString("utf8"));
  };
  const plain = (text: unknown): void => {
    if (typeof text !== "string") return;
    add(text);
    add(Buffer.from(text, "utf8").toString("base64"));
  };
  const all = (value: unknown, each: (text: unknown) => void): void => {
    if (isObject(value) || Array.isArray(value)) for (const item of Object.values(value)) all(item, each);
    else each(value);
  };
  if (Array.isArray(body))
    all(
      body.map((step: unknown) => (isObject(step) ? step["value"] : "")),
      (text) => [encoded(text), plain(text)],
    );
  else if (isObject(body)) {
    all(body["data"], encoded);
    all(body["stringData"], plain);
  }
  return [...found].sort((a, b) => b.length - a.length);
}
