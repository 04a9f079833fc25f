// A Redis store: one key for each entry, with a time to live.
import { createClient, RESP_TYPES } from "@redis/client";
import { DriftlessError } from "#base/errors.ts";
import type { SharedStore } from "./store.ts";

export interface RedisOptions {
  /** `redis://[user:password@]host:port/database`, or `rediss://` for TLS. */
  readonly url: string;
  readonly password?: string;
  /** How long an entry stays; default 7 days. */
  readonly ttlS?: number;
}

/** Connects when it is made, and again whenever the connection is lost; without one, each call fails at once. */
export function redisStore({ url, password, ttlS = 7 * 24 * 3600 }: RedisOptions): SharedStore {
  const client = createClient({
    url,
    ...(password === undefined ? {} : { password }),
    disableOfflineQueue: true,
    socket: { connectTimeout: 2000, reconnectStrategy: (retries) => Math.min(5000, 100 * 2 ** retries) },
  });
  let problem = "not connected yet";
  client.on("error", (error: Error) => (problem = error.message));
  const connecting = client.connect().catch((error: unknown) => (problem = (error as Error).message));
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const ready = async (): Promise<void> => {
    if (client.isReady) return;
    if (client.isOpen) await Promise.race([connecting, new Promise((resolve) => client.once("ready", resolve))]);
    if (!client.isReady) throw new DriftlessError("INTERNAL", `Redis: ${problem}`);
  };
  return {
    async get(_op, name) {
      await ready();
      return (await bytes.get(name)) ?? undefined;
    },
    async put(_op, name, value) {
      await ready();
      await client.set(name, Buffer.from(value), { expiration: { type: "EX", value: ttlS } });
    },
    async close() {
      client.destroy();
      await connecting;
    },
  };
}
