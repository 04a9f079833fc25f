// The shared store that a URL names: s3://BUCKET/PREFIX?endpoint=…&region=…, redis://… or rediss://….
import { DriftlessError } from "#base/errors.ts";
import { redisStore } from "./redis.ts";
import { s3Store } from "./s3.ts";
import type { SharedStore } from "./store.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Takes the URL and the environment, which holds credentials under their usual names. Error: CONFIG_INVALID. */
export function openSharedStore(text: string, environment: Environment): SharedStore {
  const wrong = (why: string): DriftlessError =>
    new DriftlessError("CONFIG_INVALID", `the shared render cache: ${why}; see docs/guides/render-cache.md`);
  if (!URL.canParse(text)) throw wrong(`no URL: ${text.slice(0, 20)}`);
  const url = new URL(text);
  switch (url.protocol) {
    case "redis:":
    case "rediss:": {
      const password = environment["DRIFTLESS_RENDER_CACHE_PASSWORD"];
      return redisStore({ url: text, ...(password ? { password } : {}) });
    }
    case "s3:": {
      const accessKeyId = environment["AWS_ACCESS_KEY_ID"];
      const secretAccessKey = environment["AWS_SECRET_ACCESS_KEY"];
      const sessionToken = environment["AWS_SESSION_TOKEN"];
      if (!accessKeyId || !secretAccessKey) throw wrong("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set");
      const region = url.searchParams.get("region") ?? environment["AWS_REGION"] ?? "us-east-1";
      const endpoint = url.searchParams.get("endpoint") ?? `https://s3.${region}.amazonaws.com`;
      if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) throw wrong(`endpoint ${endpoint} is no URL`);
      if (url.hostname === "") throw wrong("the bucket is missing: s3://BUCKET/PREFIX");
      const prefix = url.pathname.replaceAll(/^\/+|\/+$/g, "");
      return s3Store({
        endpoint,
        region,
        bucket: url.hostname,
        prefix,
        accessKeyId,
        secretAccessKey,
        ...(sessionToken ? { sessionToken } : {}),
      });
    }
    default:
      throw wrong(`${url.protocol}// is neither s3:// nor redis://`);
  }
}
