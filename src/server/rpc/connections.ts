// Looks after open connections: requests that do not come to their end, clients that do not take their answers, HTTP/2
// connections whose other end is gone or has nothing to ask. Ends those, and nothing else. Knows nothing of what is asked.
import type { ServerResponse } from "node:http";
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { HttpHandler } from "./grpc.ts";
import type { ConnectionLimits } from "./limits.ts";

type AnyRequest = Parameters<HttpHandler>[0];
type AnyResponse = Parameters<HttpHandler>[1];

interface Open {
  readonly request: AnyRequest;
  readonly response: AnyResponse;
  readonly sinceMs: number;
  /** HTTP/2: how much waits to be taken, and since when it has been as much. */
  waiting: { readonly bytes: number; readonly sinceMs: number };
}

interface Session {
  streams: number;
  /** When it last had a stream. */
  usedMs: number;
  /** When it was asked whether anybody is there. */
  askedMs: number;
  answered: boolean;
}

/** Whole answers are written in one piece over HTTP/2: how much of a piece was taken cannot be seen. */
const slowerOverHttp2 = 5;

export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #open = new Set<Open>();
  readonly #sessions = new Map<ServerHttp2Session, Session>();
  readonly #timer: NodeJS.Timeout;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
    const { requestMs, stalledMs, idleMs, pingMs } = limits;
    const everyMs = Math.max(20, Math.min(5000, Math.min(requestMs, stalledMs, idleMs, pingMs) / 4));
    this.#timer = setInterval(() => this.#sweep(performance.now()), everyMs).unref();
  }

  /** A request that begins to be answered. */
  request(request: AnyRequest, response: AnyResponse): void {
    const sinceMs = performance.now();
    const open: Open = { request, response, sinceMs, waiting: { bytes: 0, sinceMs } };
    this.#open.add(open);
    response.once("close", () => this.#open.delete(open));
  }

  session(session: ServerHttp2Session): void {
    const nowMs = performance.now();
    const entry: Session = { streams: 0, usedMs: nowMs, askedMs: nowMs, answered: true };
    this.#sessions.set(session, entry);
    session.on("close", () => this.#sessions.delete(session));
    session.on("stream", (stream: ServerHttp2Stream) => {
      entry.streams++;
      stream.once("close", () => {
        entry.streams--;
        entry.usedMs = performance.now();
      });
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sweep(nowMs: number): void {
    for (const open of this.#open) {
      if ("stream" in open.response) this.#lookAfterStream(open, open.response.stream, nowMs);
      else this.#lookAfterSocket(open.response);
    }
    for (const [session, entry] of this.#sessions) this.#lookAfterSession(session, entry, nowMs);
  }

  #lookAfterStream(open: Open, stream: ServerHttp2Stream | undefined, nowMs: number): void {
    if (!stream || stream.destroyed) return void this.#open.delete(open);
    const bytes = stream.writableLength + (stream.bufferSize ?? 0);
    if (bytes !== open.waiting.bytes) open.waiting = { bytes, sinceMs: nowMs };
    const late = !open.request.complete && nowMs - open.sinceMs > this.#limits.requestMs;
    const stalled = bytes > 0 && nowMs - open.waiting.sinceMs > this.#limits.stalledMs * slowerOverHttp2;
    if (late || stalled) stream.close(constants.NGHTTP2_CANCEL);
  }

  /** Over HTTP/1 requests that are late are Node's affair; a socket's own time limit sees what the client takes. */
  #lookAfterSocket({ socket, writableLength }: ServerResponse): void {
    if (!socket) return;
    const wantedMs = writableLength > 0 ? this.#limits.stalledMs : 0;
    if ((socket.timeout ?? 0) !== wantedMs) socket.setTimeout(wantedMs);
  }

  #lookAfterSession(session: ServerHttp2Session, entry: Session, nowMs: number): void {
    const { idleMs, pingMs } = this.#limits;
    if (session.destroyed) return;
    if (entry.streams === 0 && nowMs - entry.usedMs > idleMs && !session.closed) return session.close();
    if (nowMs - entry.askedMs < pingMs) return;
    if (!entry.answered) return session.destroy();
    Object.assign(entry, { askedMs: nowMs, answered: false });
    session.ping(() => {
      entry.answered = true;
    });
  }
}
