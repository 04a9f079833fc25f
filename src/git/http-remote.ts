// Talks to a Git server over HTTP without a git process: asks for refs, and fetches the few objects of an ordinary push,
// over connections that are kept. Everything unusual (another protocol version, a redirect, a proxy, an error) is left to
// git itself, which also words the error. Source: Git's "gitprotocol-v2", "gitprotocol-http".
import { Agent, request } from "undici";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { RepositoryAccess } from "./types.ts";
import { splitCredentials } from "./urls.ts";

export interface RemoteRefs {
  readonly refs: Map<string, string>;
  readonly head?: string;
}

export interface HttpRemote {
  /** Refs below the prefixes, with the default branch where HEAD is asked for. Undefined: ask git. */
  refs(op: Operation, prefixes: readonly string[]): Promise<RemoteRefs | undefined>;
  /** A pack of what `wants` reach and `haves` don't; thin unless files are left out. Undefined: ask git. */
  pack(op: Operation, what: PackRequest): Promise<Buffer | undefined>;
  /** Whether the server can leave out files; undefined until it was asked something. */
  readonly filters: boolean | undefined;
  close(): Promise<void>;
}

export interface PackRequest {
  readonly wants: readonly string[];
  readonly haves: readonly string[];
  /** Which files are left out, as git's --filter has it. */
  readonly filter?: string;
  /** Error TOO_LARGE where the pack has more; without, git is asked beyond a limit. */
  readonly maxBytes?: number;
}

const maxPackBytes = 32 << 20;
const maxRefsBytes = 64 << 20;

class AnswerTooLarge extends Error {}

const line = (text: string): string => (Buffer.byteLength(text) + 5).toString(16).padStart(4, "0") + text + "\n";
const delimiter = "0001";
const flush = "0000";

/** Takes what a server sent; calls back with each packet's content, and undefined for flush and delimiter packets. */
export function* packets(bytes: Buffer): Generator<Buffer | undefined> {
  let at = 0;
  while (at + 4 <= bytes.length) {
    const text = bytes.toString("latin1", at, at + 4);
    const size = /^[0-9a-f]{4}$/i.test(text) ? Number.parseInt(text, 16) : 3;
    if (size === 3 || (size >= 4 && at + size > bytes.length)) throw new Error("a packet is malformed");
    yield size < 4 ? undefined : bytes.subarray(at + 4, at + size);
    at += Math.max(size, 4);
  }
}

/** The refs of an `ls-refs` answer. */
export function readRefs(bytes: Buffer): RemoteRefs {
  const refs = new Map<string, string>();
  let head: string | undefined;
  for (const packet of packets(bytes)) {
    if (!packet) continue;
    const [oid = "", ref = "", ...attributes] = packet.toString("utf8").trimEnd().split(" ");
    if (oid === "ERR") throw new Error("the server refused");
    if (ref === "HEAD") head = attributes.find((text) => text.startsWith("symref-target:"))?.slice(14);
    if (ref === "HEAD" && head === undefined) throw new Error("HEAD is no branch");
    if (/^[0-9a-f]{40}$/.test(oid) && /^refs\/(?:heads|tags)\//.test(ref)) refs.set(ref, oid);
  }
  return head === undefined ? { refs } : { refs, head };
}

/** The pack of a `fetch` answer that was asked for with `done`. */
export function readPack(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let begun = false;
  for (const packet of packets(bytes)) {
    if (!packet) continue;
    if (!begun) {
      if (packet.toString("utf8").trimEnd() !== "packfile") throw new Error("the answer is no pack");
      begun = true;
    } else if (packet[0] === 1) parts.push(packet.subarray(1));
    else if (packet[0] !== 2) throw new Error("the server refused");
  }
  const pack = Buffer.concat(parts);
  if (pack.toString("latin1", 0, 4) !== "PACK") throw new Error("the answer is no pack");
  return pack;
}

/** Undefined where only git can talk to that server: not HTTP, or over a proxy. */
export function createHttpRemote(
  access: RepositoryAccess,
  options: { readonly timeoutMs: number },
): HttpRemote | undefined {
  const login = splitCredentials(access.url);
  if (!/^https?:\/\//i.test(login.url) || access.proxy) return undefined;
  const base = login.url.replace(/\/+$/, "");
  const username = access.username ?? login.username;
  const password = access.password ?? login.password;
  const authorization = access.bearerToken
    ? `Bearer ${access.bearerToken}`
    : username || password
      ? `Basic ${Buffer.from(`${username || "x-access-token"}:${password ?? ""}`).toString("base64")}`
      : undefined;
  const agent = new Agent({
    connections: 2,
    keepAliveTimeout: 30_000,
    connect: {
      timeout: 10_000,
      ...(access.insecure === true ? { rejectUnauthorized: false } : {}),
      ...(access.caBundle ? { ca: access.caBundle } : {}),
      ...(access.tlsClientCert ? { cert: access.tlsClientCert } : {}),
      ...(access.tlsClientKey ? { key: access.tlsClientKey } : {}),
    },
  });
  let supported: boolean | undefined;
  let filters = false;

  const ask = async (op: Operation, path: string, body: string | undefined, maxBytes: number): Promise<Buffer> => {
    const answer = await request(`${base}/${path}`, {
      method: body === undefined ? "GET" : "POST",
      dispatcher: agent,
      signal: AbortSignal.any([op.signal, AbortSignal.timeout(options.timeoutMs)]),
      headers: {
        "git-protocol": "version=2",
        "user-agent": "git/2 driftless",
        ...(authorization === undefined ? {} : { authorization }),
        ...(body === undefined
          ? {}
          : {
              "content-type": "application/x-git-upload-pack-request",
              accept: "application/x-git-upload-pack-result",
            }),
      },
      ...(body === undefined ? {} : { body }),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw new Error(`status ${answer.statusCode}`);
    }
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new AnswerTooLarge("the answer is too large");
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  };

  /** Whether the server speaks version 2; asked once. */
  const speaks = async (op: Operation): Promise<boolean> => {
    if (supported !== undefined) return supported;
    const lines: string[] = [];
    for (const packet of packets(await ask(op, "info/refs?service=git-upload-pack", undefined, maxRefsBytes)))
      lines.push(packet?.toString("utf8").trimEnd() ?? "");
    filters = lines.some((text) => /^fetch=(?:.* )?filter(?: |$)/.test(text));
    const format = lines.find((text) => text.startsWith("object-format="));
    supported =
      lines.includes("version 2") &&
      lines.some((text) => text.startsWith("ls-refs")) &&
      lines.some((text) => text.startsWith("fetch")) &&
      (format === undefined || format === "object-format=sha1");
    return supported;
  };

  /** A failure is not told: git is asked instead, and says why. */
  const attempt = async <T>(op: Operation, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return (await speaks(op)) ? await work() : undefined;
    } catch (error) {
      if (error instanceof DriftlessError) throw error;
      op.log.debug("git is asked instead", {
        repository: base,
        reason: error instanceof Error ? error.message : String(error),
      });
      return undefined;
    }
  };

  return {
    refs: (op, prefixes) =>
      attempt(op, async () => {
        const body =
          line("command=ls-refs") +
          delimiter +
          line("symrefs") +
          prefixes.map((prefix) => line(`ref-prefix ${prefix}`)).join("") +
          flush;
        return readRefs(await ask(op, "git-upload-pack", body, maxRefsBytes));
      }),
    pack: (op, { wants, haves, filter, maxBytes }) =>
      attempt(op, async () => {
        if (filter !== undefined && !filters) throw new Error("the server cannot leave out files");
        // A thin pack would build on files that are not here.
        const thin = filter === undefined ? ["thin-pack"] : [`filter ${filter}`];
        const capabilities = [...thin, "ofs-delta", "no-progress"].map(line).join("");
        const body =
          line("command=fetch") +
          delimiter +
          capabilities +
          wants.map((oid) => line(`want ${oid}`)).join("") +
          haves.map((oid) => line(`have ${oid}`)).join("") +
          line("done") +
          flush;
        const answer = ask(op, "git-upload-pack", body, maxBytes ?? maxPackBytes).catch((error: unknown) => {
          if (maxBytes === undefined || !(error instanceof AnswerTooLarge)) throw error;
          throw new DriftlessError("TOO_LARGE", `a file of ${base} has more than ${maxBytes >> 20} MiB`);
        });
        return readPack(await answer);
      }),
    get filters() {
      return supported === true ? filters : undefined;
    },
    close: () => agent.destroy(),
  };
}
