// Git LFS: what a pointer stands for, fetched by the batch API with the repository's credentials, checked against the
// pointer's hash and kept beside the mirror. Source: Git LFS' "Batch API", "Git LFS Specification" (pointers).
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { request, type Dispatcher } from "undici";
import { DriftlessError, toError } from "#base/errors.ts";
import { isObject, stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import { authorizationFor, dispatcherFor } from "./http-agent.ts";
import type { RepositoryAccess } from "./types.ts";
import { redact, splitCredentials } from "./urls.ts";

export interface LfsPointer {
  /** SHA-256 of the content, in hexadecimal. */
  readonly oid: string;
  readonly sizeBytes: number;
}

const maxPointerBytes = 1024;

/** Takes a file's bytes; undefined where it is no pointer. */
export function parsePointer(bytes: Uint8Array): LfsPointer | undefined {
  if (bytes.length === 0 || bytes.length > maxPointerBytes) return undefined;
  const text = Buffer.from(bytes).toString("utf8");
  if (!text.startsWith("version https://git-lfs.github.com/spec/v1\n")) return undefined;
  const oid = /^oid sha256:([0-9a-f]{64})$/m.exec(text)?.[1];
  const size = /^size (\d{1,15})$/m.exec(text)?.[1];
  return oid === undefined || size === undefined ? undefined : { oid, sizeBytes: Number(size) };
}

export interface LfsOptions {
  /** Folder of what was fetched. */
  readonly dir: string;
  readonly timeoutMs: number;
  access(): RepositoryAccess;
  /** Of a repository over ssh: what its server answers to `git-lfs-authenticate`. Error: REPOSITORY_UNREACHABLE. */
  authenticate(op: Operation): Promise<string>;
}

/** Where the batch API is, and which headers get in. */
interface Endpoint {
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The contents of one repository's pointers. */
export class LfsContents {
  private readonly options: LfsOptions;
  private readonly pending = new Map<string, Promise<Buffer>>();
  private known: { readonly access: RepositoryAccess; readonly dispatcher: Dispatcher } | undefined;

  constructor(options: LfsOptions) {
    this.options = options;
  }

  /** What a pointer stands for. Errors: TOO_LARGE, REPOSITORY_UNREACHABLE (also where the server gives something else). */
  async get(op: Operation, pointer: LfsPointer, maxBytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
    if (pointer.sizeBytes > maxBytes)
      throw new DriftlessError(
        "TOO_LARGE",
        `the Git LFS file ${pointer.oid} has ${pointer.sizeBytes} bytes, more than ${maxBytes}`,
      );
    const kept = await readFile(this.file(pointer)).catch(() => undefined);
    if (kept && isContent(kept, pointer)) return kept;
    let running = this.pending.get(pointer.oid);
    if (!running) {
      running = this.fetch(op, pointer).finally(() => this.pending.delete(pointer.oid));
      this.pending.set(pointer.oid, running);
    }
    try {
      return await running;
    } catch (thrown) {
      if (toError(thrown).code !== "CANCELLED" || op.signal.aborted) throw thrown;
      return this.get(op, pointer, maxBytes); // the other caller gave up, not this one
    }
  }

  async close(): Promise<void> {
    await this.known?.dispatcher.destroy();
  }

  private file({ oid }: LfsPointer): string {
    return join(this.options.dir, oid.slice(0, 2), oid);
  }

  private async fetch(op: Operation, pointer: LfsPointer): Promise<Buffer> {
    const bytes = await this.download(op, pointer, await this.action(op, pointer));
    const file = this.file(pointer);
    await mkdir(dirname(file), { recursive: true });
    const temporary = `${file}.${process.pid}.tmp`;
    try {
      await writeFile(temporary, bytes);
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      op.log.warn("a Git LFS file could not be kept", { reason: (error as Error).message });
    }
    return bytes;
  }

  /** Where the content is and which headers get it. */
  private async action(
    op: Operation,
    pointer: LfsPointer,
  ): Promise<{ readonly href: string; readonly headers: Record<string, string> }> {
    const { base, headers: login } = await this.endpoint(op);
    const answer = await this.ask(op, `${base}/objects/batch`, {
      method: "POST",
      headers: {
        accept: "application/vnd.git-lfs+json",
        "content-type": "application/vnd.git-lfs+json",
        ...login,
      },
      body: JSON.stringify({
        operation: "download",
        transfers: ["basic"],
        objects: [{ oid: pointer.oid, size: pointer.sizeBytes }],
        hash_algo: "sha256",
      }),
      maxBytes: 1 << 20,
    });
    let object: unknown;
    try {
      object = (JSON.parse(answer.toString("utf8")) as { objects?: unknown[] }).objects?.[0];
    } catch {
      throw this.failure("its answer is no JSON");
    }
    const refusal = stringAt(object, "error", "message");
    if (refusal !== undefined) throw this.failure(`the file ${pointer.oid}: ${refusal}`);
    const href = stringAt(object, "actions", "download", "href");
    if (href === undefined || !URL.canParse(href, base)) throw this.failure(`it does not say where ${pointer.oid} is`);
    const target = new URL(href, base);
    const actions = isObject(object) && isObject(object["actions"]) ? object["actions"] : {};
    const download = isObject(actions["download"]) ? actions["download"] : {};
    // The repository's credentials are for its own server alone.
    const own = target.origin === new URL(base).origin ? login : {};
    return { href: target.href, headers: { ...own, ...headersIn(download["header"]) } };
  }

  private async endpoint(op: Operation): Promise<Endpoint> {
    const access = this.options.access();
    const { url } = splitCredentials(access.url);
    if (/^https?:\/\//i.test(url)) {
      const authorization = authorizationFor(access, "x-access-token");
      const base = `${url.replace(/\/+$/, "").replace(/(?:\.git)?$/, ".git")}/info/lfs`;
      return { base, headers: authorization === undefined ? {} : { authorization } };
    }
    if (/^(?:file|git):\/\/|^\//i.test(url)) throw this.failure("it is read over http, https and ssh only");
    let answer: unknown;
    try {
      answer = JSON.parse(await this.options.authenticate(op));
    } catch (thrown) {
      if (thrown instanceof DriftlessError) throw thrown;
      throw this.failure("what its server says of Git LFS is no JSON");
    }
    const href = stringAt(answer, "href");
    if (href === undefined || !/^https?:\/\//i.test(href))
      throw this.failure("its server does not say where Git LFS is");
    return { base: href.replace(/\/+$/, ""), headers: headersIn(isObject(answer) ? answer["header"] : undefined) };
  }

  private async download(
    op: Operation,
    pointer: LfsPointer,
    { href, headers }: { readonly href: string; readonly headers: Record<string, string> },
  ): Promise<Buffer> {
    const bytes = await this.ask(op, href, { method: "GET", headers, maxBytes: pointer.sizeBytes });
    if (!isContent(bytes, pointer)) throw this.failure(`the file ${pointer.oid} came with another content`);
    return bytes;
  }

  private async ask(
    op: Operation,
    url: string,
    what: { method: "GET" | "POST"; headers: Record<string, string>; body?: string; maxBytes: number },
  ): Promise<Buffer> {
    const { timeoutMs } = this.options;
    const { maxBytes, ...sent } = what;
    try {
      const answer = await request(url, {
        ...sent,
        dispatcher: this.dispatcher(),
        signal: AbortSignal.any([op.signal, AbortSignal.timeout(timeoutMs)]),
      });
      if (answer.statusCode !== 200) {
        await answer.body.dump();
        throw this.failure(
          answer.statusCode === 401 || answer.statusCode === 403
            ? "the credentials were not accepted"
            : `the server answered ${answer.statusCode}`,
        );
      }
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > maxBytes) throw this.failure(`the answer has more than ${maxBytes} bytes`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } catch (thrown) {
      if (thrown instanceof DriftlessError) throw thrown;
      if (op.signal.aborted) throw new DriftlessError("CANCELLED", "the caller gave up", { cause: thrown });
      const late = (thrown as Error).name === "TimeoutError";
      throw this.failure(late ? `no answer within ${timeoutMs / 1000} s` : toError(thrown).message);
    }
  }

  private dispatcher(): Dispatcher {
    const access = this.options.access();
    if (this.known?.access !== access) {
      void this.known?.dispatcher.close();
      this.known = { access, dispatcher: dispatcherFor(access) };
    }
    return this.known.dispatcher;
  }

  private failure(why: string): DriftlessError {
    const repository = redact(splitCredentials(this.options.access().url).url);
    return new DriftlessError("REPOSITORY_UNREACHABLE", `Git LFS of repository ${repository}: ${why}`, {
      details: { repository },
    });
  }
}

function headersIn(value: unknown): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, text] of Object.entries(isObject(value) ? value : {}))
    if (typeof text === "string") found[name.toLowerCase()] = text;
  return found;
}

function isContent(bytes: Buffer, { oid, sizeBytes }: LfsPointer): boolean {
  return bytes.length === sizeBytes && createHash("sha256").update(bytes).digest("hex") === oid;
}
