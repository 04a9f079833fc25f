// May a subject do something: rules and roles of an RBAC policy, compiled for many questions. Pure. Semantics are those of
// the casbin model that Argo CD uses: allowed where some rule allows and none denies; a subject has the rules of every
// role that it is given, directly or through others. Source: Argo CD's "RBAC Configuration".
import { glob } from "./glob.ts";

/** One `p` line: subject, resource, action, object and `allow` or `deny`. */
export type Rule = readonly [subject: string, resource: string, action: string, object: string, effect: string];
/** One `g` line: a subject (or role) and a role that it is given. */
export type Grant = readonly [subject: string, role: string];

export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly grants: readonly Grant[];
}

export type MatchMode = "glob" | "regex";

type Test = (text: string) => boolean;

interface Compiled {
  readonly resource: Test;
  readonly action: Test;
  /** The object's pattern. */
  readonly of: string;
  readonly object: Test;
  readonly allows: boolean;
}

/** Answers questions about one policy; what it compiles for a subject is kept. */
export class Policy {
  readonly #mode: MatchMode;
  readonly #rules = new Map<string, Rule[]>();
  readonly #roles = new Map<string, string[]>();
  readonly #bySubject = new Map<string, readonly Compiled[]>();
  readonly #tests = new Map<string, Test>();

  constructor(sets: readonly RuleSet[], mode: MatchMode) {
    this.#mode = mode;
    for (const { rules, grants } of sets) {
      for (const rule of rules) append(this.#rules, rule[0], rule);
      for (const [subject, role] of grants) append(this.#roles, subject, role);
    }
  }

  /** Whether the policy gives a subject any role of its own. */
  grantsTo(subject: string): boolean {
    return this.#roles.has(subject);
  }

  may(subject: string, resource: string, action: string, object: string): boolean {
    return this.on(subject, resource, action)(object);
  }

  /** The same question for many objects. */
  on(subject: string, resource: string, action: string): (object: string) => boolean {
    const { allow, deny } = this.#about(subject, resource, action);
    if (allow.length === 0) return () => false;
    return (object) => allow.some((rule) => rule.object(object)) && !deny.some((rule) => rule.object(object));
  }

  /** Whether the answer is yes for every object below `PROJECT/`, without looking at any. */
  allowsAll(subject: string, resource: string, action: string, project: string): boolean {
    const { allow, deny } = this.#about(subject, resource, action);
    const patterns = this.#mode === "glob" ? ["*", "*/*", `${project}/*`] : [".*", ".*/.*"];
    return deny.length === 0 && /^[\w.-]+$/.test(project) && allow.some(({ of }) => patterns.includes(of));
  }

  /** The rules that say something of this action. */
  #about(
    subject: string,
    resource: string,
    action: string,
  ): { readonly allow: readonly Compiled[]; readonly deny: readonly Compiled[] } {
    const rules = this.#rulesOf(subject).filter((rule) => rule.resource(resource) && rule.action(action));
    return { allow: rules.filter(({ allows }) => allows), deny: rules.filter(({ allows }) => !allows) };
  }

  #rulesOf(subject: string): readonly Compiled[] {
    let compiled = this.#bySubject.get(subject);
    if (!compiled) {
      compiled = [...this.#reachable(subject)]
        .flatMap((name) => this.#rules.get(name) ?? [])
        .map((rule) => this.#compile(rule));
      this.#bySubject.set(subject, compiled);
    }
    return compiled;
  }

  #reachable(subject: string): ReadonlySet<string> {
    const seen = new Set([subject]);
    for (const name of seen) for (const role of this.#roles.get(name) ?? []) seen.add(role);
    return seen;
  }

  #compile([, resource, action, object, effect]: Rule): Compiled {
    return {
      resource: this.#test(resource),
      action: this.#test(action),
      of: object,
      object: this.#test(object),
      allows: effect === "allow",
    };
  }

  #test(pattern: string): Test {
    let test = this.#tests.get(pattern);
    if (!test) this.#tests.set(pattern, (test = matcher(pattern, this.#mode)));
    return test;
  }
}

/** One pattern of a rule. A regular expression that is malformed matches nothing. */
export function matcher(pattern: string, mode: MatchMode): Test {
  if (mode === "glob") return pattern === "*" ? () => true : glob(pattern);
  try {
    const expression = new RegExp(pattern, "u");
    return (text) => expression.test(text);
  } catch {
    return () => false;
  }
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
