// Single files behind http and https URLs, as kustomizations name them: fetched within limits, kept, and asked for anew
// only now and then. Never a page of the machine's own metadata service.
import { createHash } from "node:crypto";
import { request, type Dispatcher } from "undici";
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { MountedTree } from "./composed.ts";
import { authorizationFor, dispatcherFor } from "./http-agent.ts";
import type { RepositoryAccess } from "./types.ts";
import { redact, splitCredentials } from "./urls.ts";

export interface UrlFiles {
  /** The file, as it was at most `freshMs` ago. Errors: REPOSITORY_UNREACHABLE, RENDER_REFUSED, TOO_LARGE. */
  get(op: Operation, access: RepositoryAccess): Promise<MountedTree>;
  /** Asks for every file anew at its next use. */
  expire(): void;
  close(): Promise<void>;
}

export interface UrlFilesOptions {
  readonly clock: Clock;
  /** How long an answer is taken for the newest; default 3 minutes. */
  readonly freshMs?: number;
  /** Default 20 s. */
  readonly timeoutMs?: number;
  /** Default 16 MiB. */
  readonly maxBytes?: number;
}

interface Kept {
  readonly atMs: number;
  readonly etag?: string;
  readonly bytes: Buffer;
  readonly oid: string;
}

const maxKept = 200;
const maxRedirects = 5;

export function createUrlFiles(options: UrlFilesOptions): UrlFiles {
  const { clock } = options;
  const freshMs = options.freshMs ?? 180_000;
  const timeoutMs = options.timeoutMs ?? 20_000;
  const maxBytes = options.maxBytes ?? 16 << 20;
  const kept = new Map<string, Kept>();
  const pending = new Map<string, Promise<Kept>>();
  const agents = new Map<string, Dispatcher>();

  const agentOf = (access: RepositoryAccess): Dispatcher => {
    const key = JSON.stringify([
      access.insecure,
      access.caBundle,
      access.tlsClientCert,
      access.tlsClientKey,
      access.proxy,
    ]);
    let agent = agents.get(key);
    if (!agent) {
      agent = dispatcherFor(access);
      agents.set(key, agent);
    }
    return agent;
  };

  const fetchFile = async (op: Operation, access: RepositoryAccess): Promise<Kept> => {
    const { url } = splitCredentials(access.url);
    const shown = redact(url);
    const before = kept.get(url);
    const authorization = authorizationFor(access);
    try {
      const signal = AbortSignal.any([op.signal, AbortSignal.timeout(timeoutMs)]);
      const answer = await follow(url, agentOf(access), signal, {
        ...(before?.etag === undefined ? {} : { "if-none-match": before.etag }),
        ...(authorization === undefined ? {} : { authorization }),
      });
      if (answer.statusCode === 304 && before) {
        await answer.body.dump();
        return { ...before, atMs: clock.monotonic() };
      }
      if (answer.statusCode !== 200) {
        await answer.body.dump();
        throw unreachable(shown, `the server answered ${answer.statusCode}`);
      }
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > maxBytes) throw new DriftlessError("TOO_LARGE", `${shown} has more than ${maxBytes} bytes`);
        chunks.push(chunk);
      }
      const bytes = Buffer.concat(chunks);
      const { etag } = answer.headers;
      return {
        atMs: clock.monotonic(),
        bytes,
        oid: createHash("sha256").update(bytes).digest("hex"),
        ...(typeof etag === "string" ? { etag } : {}),
      };
    } catch (thrown) {
      if (thrown instanceof DriftlessError) throw thrown;
      if (op.signal.aborted) throw new DriftlessError("CANCELLED", "the caller gave up", { cause: thrown });
      const late = (thrown as Error).name === "TimeoutError";
      throw unreachable(shown, late ? `no answer within ${timeoutMs / 1000} s` : toError(thrown).message);
    }
  };

  return {
    async get(op, access) {
      const { url } = splitCredentials(access.url);
      let file = kept.get(url);
      if (!file || clock.monotonic() - file.atMs > freshMs) {
        let running = pending.get(url);
        if (!running) {
          running = fetchFile(op, access).finally(() => pending.delete(url));
          pending.set(url, running);
        }
        file = await running;
        kept.delete(url);
        kept.set(url, file);
        if (kept.size > maxKept) kept.delete(kept.keys().next().value as string);
      }
      const { oid, bytes } = file;
      return {
        root: { name: "", mode: "100644", type: "blob", oid },
        items: async () => undefined,
        blob: async (_op, wanted) => (wanted === oid ? bytes : undefined),
      };
    },
    expire() {
      for (const [url, file] of kept) kept.set(url, { ...file, atMs: Number.NEGATIVE_INFINITY });
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}

/** Follows redirects, each checked; credentials stay with the first host. */
async function follow(
  url: string,
  dispatcher: Dispatcher,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>>,
): Promise<Dispatcher.ResponseData> {
  let at = new URL(url);
  for (let hops = 0; ; hops++) {
    refuseMetadata(at);
    const { authorization: _own, ...others } = headers;
    const sent = at.origin === new URL(url).origin ? headers : others;
    const answer = await request(at, { dispatcher, signal, headers: { "user-agent": "driftless", ...sent } });
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.statusCode) || typeof location !== "string") return answer;
    await answer.body.dump();
    if (hops >= maxRedirects) throw unreachable(redact(url), `more than ${maxRedirects} redirects`);
    at = new URL(location, at);
    if (!/^https?:$/.test(at.protocol)) throw unreachable(redact(url), `it is redirected to ${at.protocol}`);
  }
}

function unreachable(url: string, why: string): DriftlessError {
  return new DriftlessError("REPOSITORY_UNREACHABLE", `${url}: ${why}`, { details: { repository: url } });
}

/** Cloud machines answer on link-local addresses with their own credentials. */
function refuseMetadata({ hostname, href }: URL): void {
  if (/^169\.254\.|^\[fe80:|^\[fd00:ec2:|^metadata\.google\.internal$/i.test(hostname))
    throw new DriftlessError("RENDER_REFUSED", `${redact(href)}: addresses of the machine's own network are refused`);
}
