// The readers of the API bench, a process of their own: open streams, and how long after its change each event came.
import http from "node:http";

export interface ReaderReport {
  /** A sample of them. */
  readonly delaysMs: readonly number[];
  readonly events: number;
  readonly bytes: number;
}

interface Start {
  readonly url: string;
  readonly token: string;
  readonly streams: number;
  readonly fields: string;
}

/** The label that carries when the change was made. */
const marker = Buffer.from('"changed":"t');
const timeLength = 13;
/** A piece of an event that was cut is looked at again with what follows. */
const cutLength = marker.length + timeLength;

let events = 0;
let bytes = 0;
const delays: number[] = [];

process.on("message", (message) => {
  if (message !== "report") void start(message as Start).then(() => process.send?.("open"));
  else process.send?.({ delaysMs: delays, events, bytes } satisfies ReaderReport);
});

async function start({ url, token, streams, fields }: Start): Promise<void> {
  const query = `resourceVersion=${Number.MAX_SAFE_INTEGER}&fields=${encodeURIComponent(fields)}`;
  const target = `${url.replace("localhost", "127.0.0.1")}/api/v1/stream/applications?${query}`;
  const headers = { authorization: `Bearer ${token}`, accept: "text/event-stream" };
  const agent = new http.Agent({ maxSockets: Number.POSITIVE_INFINITY });
  for (let at = 0; at < streams; at += 50)
    await Promise.all(Array.from({ length: Math.min(50, streams - at) }, () => open(target, headers, agent)));
}

function open(url: string, headers: http.OutgoingHttpHeaders, agent: http.Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { headers, agent }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`a stream answered ${response.statusCode}`));
        let rest: Buffer = Buffer.alloc(0);
        response.on("data", (chunk: Buffer) => (rest = read(rest, chunk)));
        resolve();
      })
      .on("error", reject);
  });
}

/** Counts what came; returns the end that may be the beginning of a marker. */
function read(rest: Buffer, chunk: Buffer): Buffer {
  const now = Date.now();
  bytes += chunk.length;
  const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  let from = 0;
  for (;;) {
    const at = text.indexOf(marker, from);
    if (at < 0 || at + cutLength > text.length) {
      const keep = at >= 0 ? at : Math.max(from, text.length - cutLength + 1);
      return Buffer.from(text.subarray(keep));
    }
    from = at + cutLength;
    events++;
    if (events % 20 === 0) delays.push(now - Number(text.toString("latin1", at + marker.length, from)));
  }
}
