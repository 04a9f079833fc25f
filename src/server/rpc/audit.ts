// The record of what was changed, and by whom: every method that writes leaves a line in the log, refused and failed ones
// too, and an Event beside the Application, project or ApplicationSet that it changed. Here, once, for every transport.
// What the request says besides what it is about is never written down.
import type { DescMethod } from "@bufbuild/protobuf";
import { toError, type GrpcStatus } from "#base/errors.ts";
import type { Logger } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { KubernetesObject } from "#model/object.ts";
import { bindingsOf, services } from "#protocol/services.ts";
import type { EventText } from "#runtime/events.ts";
import { asks, eventAnnotations, writes, type AuditedKind, type Subject } from "./audited-methods.ts";
import { open, type BoundService, type Call, type Unary } from "./service.ts";

export interface AuditDeps {
  readonly log: Logger;
  readonly clock: Clock;
  /** The installation's namespace: that of objects whose request names none. */
  readonly namespace: string;
  readonly events: { record(about: KubernetesObject, event: EventText): void };
  /** The object as it is known now. */
  find(kind: AuditedKind, namespace: string, name: string): KubernetesObject | undefined;
  /** Whether there is an account of this name: what was typed in its place may be a password. */
  isAccount(name: string): boolean;
}

/** One line of the record. */
export interface AuditEntry {
  /** Who; "" for nobody that is known. */
  readonly user: string;
  /** The id of the token that it was done with. */
  readonly session?: string;
  readonly address: string;
  readonly transport: "grpc" | "rest" | "websocket" | "webhook";
  /** `application.ApplicationService/Sync`. */
  readonly method: string;
  /** What it was done to: `Application argocd/web`. */
  readonly object: string;
  readonly code: GrpcStatus | "OK";
  readonly durationMs: number;
}

const longestObject = 512;
/** Somebody was kept from something. */
const refusals: ReadonlySet<string> = new Set(["PERMISSION_DENIED", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED"]);

/** Writes one line: refusals as warnings, what was done at level info. */
export function recordAudit(log: Logger, entry: AuditEntry): void {
  const { object, durationMs, ...rest } = entry;
  const fields = { ...rest, object: object.slice(0, longestObject), durationMs: Math.round(durationMs) };
  if (refusals.has(entry.code)) log.warn("audit", fields);
  else log.info("audit", fields);
}

/** Whether a method changes anything: it can be reached by another verb than GET, and is not known to ask alone. */
export function isWrite(method: DescMethod): boolean {
  return !asks.has(keyOf(method)) && bindingsOf(method).some(({ verb }) => verb !== "GET");
}

/** The services, with a record of every call of a method that writes. */
export function audited(deps: AuditDeps, bound: readonly BoundService[]): readonly BoundService[] {
  return bound.map(({ desc, methods }) => ({
    desc,
    methods: Object.fromEntries(
      Object.entries(methods).map(([name, implementation]) => {
        const method = desc.methods.find(({ localName }) => localName === name);
        if (!method || !isWrite(method) || !("handle" in implementation)) return [name, implementation];
        return [name, recorded(deps, method, implementation as Unary<unknown>)];
      }),
    ),
  }));
}

/** The same for a route that stands for a method: its calls are recorded as that method's. Takes `Service.method`. */
export function recordedAs<I>(deps: AuditDeps, name: string, implementation: Unary<I>): Unary<I> {
  const methods: readonly DescMethod[] = services.flatMap((service) => service.methods);
  const method = methods.find((each) => keyOf(each) === name)!;
  return recorded(deps, method, implementation as Unary<unknown>);
}

function recorded(deps: AuditDeps, method: DescMethod, implementation: Unary<unknown>): Unary<unknown> {
  const write = writes[keyOf(method)];
  const enter = (call: Call, request: unknown, code: AuditEntry["code"], sinceMs: number): void =>
    recordAudit(deps.log, {
      user: call.account?.username ?? "",
      ...(call.account?.tokenId === undefined ? {} : { session: call.account.tokenId }),
      address: call.address,
      transport: call.transport,
      method: `${method.parent.typeName}/${method.name}`,
      object: shown(deps, write?.subject(request as never)),
      code,
      durationMs: deps.clock.monotonic() - sinceMs,
    });
  const access: Unary<unknown>["access"] = async (call, request) => {
    const sinceMs = deps.clock.monotonic();
    try {
      await implementation.access(call, request);
    } catch (thrown) {
      enter(call, request, toError(thrown).entry.grpc, sinceMs);
      throw thrown;
    }
  };
  return {
    // Transports look at whether anybody may call.
    access: implementation.access === open ? open : access,
    async handle(call, request) {
      const sinceMs = deps.clock.monotonic();
      // What is deleted is not there to be looked up any more.
      const before = write?.event && objectOf(deps, write.subject(request as never));
      try {
        const answer = await implementation.handle(call, request);
        enter(call, request, "OK", sinceMs);
        const event = write?.event?.(request as never, answer, before);
        const about = event && objectAfter(deps, write!.subject(request as never), before, answer);
        if (event && about) {
          const { username = "" } = call.account ?? {};
          deps.events.record(about, {
            type: "Normal",
            reason: event.reason,
            message: `${username || "Unknown user"} ${event.what}`,
            annotations: eventAnnotations(about, username),
          });
        }
        return answer;
      } catch (thrown) {
        enter(call, request, toError(thrown).entry.grpc, sinceMs);
        throw thrown;
      }
    },
  };
}

const keyOf = (method: DescMethod): string => `${method.parent.name}.${method.localName}`;

function shown(deps: AuditDeps, subject: Subject | undefined): string {
  if (!subject?.name) return subject?.kind ?? "";
  if (subject.kind === "Account" && !deps.isAccount(subject.name)) return "Account (unknown)";
  const namespace = isAudited(subject.kind) ? `${subject.namespace || deps.namespace}/` : "";
  return `${subject.kind} ${namespace}${subject.name}${subject.part === undefined ? "" : ` ${subject.part}`}`;
}

function isAudited(kind: string): kind is AuditedKind {
  return kind === "Application" || kind === "AppProject" || kind === "ApplicationSet";
}

function objectOf(deps: AuditDeps, { kind, namespace, name }: Subject): KubernetesObject | undefined {
  if (!isAudited(kind) || !name) return undefined;
  return deps.find(kind, namespace || deps.namespace, name);
}

/** The object that an event is about: what the answer holds where it is one, else what was there. */
function objectAfter(
  deps: AuditDeps,
  subject: Subject,
  before: KubernetesObject | undefined,
  answer: object,
): KubernetesObject | undefined {
  const answered = answer as Partial<KubernetesObject>;
  if (answered.metadata?.uid === undefined || answered.metadata.name !== subject.name)
    return before ?? objectOf(deps, subject);
  return { ...answered, apiVersion: "argoproj.io/v1alpha1", kind: subject.kind, metadata: answered.metadata };
}
