// One connection to a port of a pod, over the API server's WebSocket (`v4.channel.k8s.io`): bytes in, bytes out. Source:
// Kubernetes' port-forward protocol: channel 0 carries data, channel 1 what went wrong; the first frame of each is the
// port's number.
import { Duplex } from "node:stream";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Connection } from "./connection.ts";
import { objectPath } from "./paths.ts";
import { openSocket } from "./socket.ts";
import { errorOfNetwork } from "./status.ts";

const channel = { data: 0, error: 1 } as const;
const podType = { group: "", version: "v1", plural: "pods", namespaced: true };

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** Resolves when the pod's port is being spoken to; the stream is destroyed with what goes wrong later. Errors: those of any request. */
export async function openPortForward(
  op: Operation,
  connection: Connection,
  headers: Readonly<Record<string, string>>,
  { namespace, pod, port }: PodPort,
): Promise<Duplex> {
  const path = objectPath(podType, { namespace, name: pod }, "portforward");
  const context = { server: connection.server, what: `port-forward ${path}` };
  const numbered = new Set<number>();
  const waiting: Buffer[] = [];
  let take = (bytes: Buffer): void => void waiting.push(bytes);
  let fail = (why: string): void => void (failed ??= why);
  let failed: string | undefined;
  const socket = await openSocket(op, connection, {
    path: `${path}?ports=${port}`,
    protocols: ["v4.channel.k8s.io"],
    headers,
    what: context.what,
    onFrame(frame) {
      const number = frame[0] ?? -1;
      // The port's number, once in each channel.
      const bytes = numbered.has(number) ? frame.subarray(1) : frame.subarray(3);
      numbered.add(number);
      if (bytes.length === 0) return;
      if (number === channel.data) take(bytes);
      else if (number === channel.error) fail(bytes.toString("utf8").trim().slice(0, 500));
    },
  });
  const stream = new Duplex({
    allowHalfOpen: false,
    read: () => socket.resume(),
    write: (bytes: Buffer, _encoding, done) => socket.send(Buffer.concat([Buffer.of(channel.data), bytes]), done),
    final(done) {
      socket.close();
      done();
    },
    destroy(error, done) {
      socket.close();
      done(error);
    },
  });
  take = (bytes) => {
    if (!stream.push(bytes)) socket.pause();
  };
  fail = (why) =>
    void stream.destroy(
      new DriftlessError("CLUSTER_UNREACHABLE", `port ${port} of pod ${namespace}/${pod} cannot be spoken to: ${why}`),
    );
  socket.on("error", (error) => stream.destroy(errorOfNetwork(error, context)));
  socket.on("close", () => stream.push(null));
  for (const bytes of waiting) take(bytes);
  if (failed !== undefined) fail(failed);
  return stream;
}
