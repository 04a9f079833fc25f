// Message types whose JSON is not the object of their fields: times, free JSON, numbers-or-texts, and parts that Go's
// types embed, so that their fields stand one level up. Source: Kubernetes' and Argo CD's JSON for the same types.
import { isObject, problemOfJson, type Json, type JsonObject } from "#base/json.ts";

type Fields = Record<string, unknown>;

export interface Special {
  /** `plain` gives the object of the message's fields; `problem` makes the error. */
  toJson(message: Fields, plain: (message: Fields) => JsonObject, problem: (text: string) => Error): Json;
  /** The message's fields; "plain": it is the object of its fields, after `unflatten`. `problem` makes the error. */
  fromJson(json: unknown, problem: (text: string) => Error): Fields | "plain";
  unflatten?(json: JsonObject): JsonObject;
}

const meta = "k8s.io.apimachinery.pkg.apis.meta.v1.";
const argo = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.";

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?(?:Z|[+-]\d\d:\d\d)$/;
const [firstSecond, lastSecond] = [
  Date.parse("0000-01-01T00:00:00Z") / 1000,
  Date.parse("9999-12-31T23:59:59Z") / 1000,
];

function time(digits: 0 | 6): Special {
  return {
    toJson({ seconds = 0n, nanos = 0 }, _plain, problem) {
      if (seconds === 0n && nanos === 0) return null;
      const [wholeS, parts] = [Number(seconds), Number(nanos)];
      if (!(wholeS >= firstSecond && wholeS <= lastSecond && parts >= 0 && parts < 1e9))
        throw problem("a time from the year 0 to 9999 is expected");
      const text = new Date(wholeS * 1000).toISOString().slice(0, 19);
      if (digits === 0) return `${text}Z`;
      return `${text}.${String(Math.floor(parts / 1000)).padStart(6, "0")}Z`;
    },
    fromJson(json, problem) {
      const match = typeof json === "string" ? rfc3339.exec(json) : null;
      const seconds = match ? Math.floor(Date.parse(match[0]) / 1000) : Number.NaN;
      if (!(seconds >= firstSecond && seconds <= lastSecond)) throw problem("a time by RFC 3339 is expected");
      const fraction = match?.[1] ?? "";
      return { seconds: BigInt(seconds), nanos: digits === 0 ? 0 : Number(fraction.padEnd(9, "0").slice(0, 9)) };
    },
  };
}

/** JSON of any kind, kept as its text in the bytes field `name`. */
function free(name: string): Special {
  return {
    toJson(message, _plain, problem) {
      const raw = message[name] as Uint8Array | undefined;
      if (!raw || raw.length === 0) return null;
      let value: Json;
      try {
        value = JSON.parse(new TextDecoder().decode(raw)) as Json;
      } catch {
        throw problem("JSON is expected in it");
      }
      const wrong = problemOfJson(value);
      if (wrong !== undefined) throw problem(wrong);
      return value;
    },
    fromJson(json, problem) {
      const wrong = problemOfJson(json);
      if (wrong !== undefined) throw problem(wrong);
      return { [name]: new TextEncoder().encode(JSON.stringify(json)) };
    },
  };
}

const intOrString: Special = {
  toJson: ({ type = 0n, intVal = 0, strVal = "" }) => (type === 1n ? (strVal as string) : (intVal as number)),
  fromJson(json, problem) {
    if (typeof json === "string") return { type: 1n, intVal: 0, strVal: json.toWellFormed() };
    // Not another integer than one of 32 bits, as the wire has it.
    if (typeof json !== "number" || (json | 0) !== json) throw problem("an integer of 32 bits or a text is expected");
    return { type: 0n, intVal: json | 0, strVal: "" };
  },
};

/** `target` of a patch: group, version, kind, name and namespace stand beside the selectors. */
const kustomizeSelector: Special = {
  toJson(message, plain) {
    const { resId, ...rest } = plain(message);
    const { gvk, ...id } = isObject(resId) ? resId : {};
    return { ...(isObject(gvk) ? gvk : {}), ...id, ...rest };
  },
  fromJson: () => "plain",
  unflatten({ group, version, kind, name, namespace, ...rest }) {
    return { ...rest, resId: { gvk: { group, version, kind }, name, namespace } };
  },
};

/** What a node of a tree is stands beside its other fields. */
const resourceNode: Special = {
  toJson(message, plain) {
    const { resourceRef, ...rest } = plain(message);
    return { ...(isObject(resourceRef) ? resourceRef : {}), ...rest };
  },
  fromJson: () => "plain",
  unflatten({ group, version, kind, namespace, name, uid, ...rest }) {
    const resourceRef = { group, version, kind, namespace, name, uid };
    return Object.values(resourceRef).every((value) => value === undefined) ? rest : { ...rest, resourceRef };
  },
};

/** A list or a map that may be there and empty: its wrapper is not seen. */
function wrapped(name: "array" | "map"): Special {
  return {
    toJson: (message) => (message[name] ?? (name === "map" ? {} : [])) as Json,
    fromJson(json, problem) {
      if (name === "array") {
        if (!Array.isArray(json) || !json.every((item) => typeof item === "string"))
          throw problem("a list of texts is expected");
        return { [name]: json.map((item) => item.toWellFormed()) };
      }
      if (!isObject(json) || !Object.values(json).every((item) => typeof item === "string"))
        throw problem("an object of texts is expected");
      const entries = Object.entries(json as Readonly<Record<string, string>>);
      return { [name]: Object.fromEntries(entries.map(([key, item]) => [key.toWellFormed(), item.toWellFormed()])) };
    },
  };
}

const renamed = (from: string, to: string): Special => ({
  toJson(message, plain) {
    const { [from]: value, ...rest } = plain(message);
    return value === undefined ? rest : { ...rest, [to]: value };
  },
  fromJson: () => "plain",
  unflatten: ({ [to]: value, ...rest }) => (value === undefined ? rest : { ...rest, [from]: value }),
});

const specials: Readonly<Record<string, Special>> = {
  [`${meta}Time`]: time(0),
  [`${meta}MicroTime`]: time(6),
  [`${meta}FieldsV1`]: free("Raw"),
  "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSON": free("raw"),
  "k8s.io.apimachinery.pkg.runtime.RawExtension": free("raw"),
  "k8s.io.apimachinery.pkg.util.intstr.IntOrString": intOrString,
  [`${argo}KustomizeSelector`]: kustomizeSelector,
  [`${argo}ResourceNode`]: resourceNode,
  [`${argo}OptionalArray`]: wrapped("array"),
  [`${argo}OptionalMap`]: wrapped("map"),
  [`${argo}OverrideIgnoreDiff`]: renamed("jSONPointers", "jsonPointers"),
};

export function specialOf(typeName: string): Special | undefined {
  return specials[typeName];
}
