// An S3-compatible store: objects below a prefix of a bucket, with path-style addresses and signatures of version 4.
import { AwsV4Signer } from "aws4fetch";
import { request, type Dispatcher } from "undici";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { SharedStore } from "./store.ts";

export interface S3Options {
  /** `https://s3.eu-central-1.amazonaws.com`, or what a compatible store has. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const maxBytes = 16 << 20;

export function s3Store(options: S3Options): SharedStore {
  const { endpoint, bucket, prefix, region, accessKeyId, secretAccessKey, sessionToken } = options;
  const address = (name: string): string =>
    [endpoint.replace(/\/+$/, ""), bucket, ...(prefix === "" ? [] : prefix.split("/")), ...name.split("/")]
      .map((part, index) => (index === 0 ? part : encodeURIComponent(part)))
      .join("/");
  const send = async (
    op: Operation,
    method: "GET" | "PUT",
    name: string,
    body?: Uint8Array,
  ): Promise<Dispatcher.ResponseData> => {
    const signed = await new AwsV4Signer({
      method,
      url: address(name),
      headers: body ? { "content-type": "application/gzip" } : {},
      ...(body ? { body: body as Uint8Array<ArrayBuffer> } : {}),
      service: "s3",
      region,
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    }).sign();
    return request(signed.url, {
      method,
      headers: Object.fromEntries(signed.headers),
      ...(body ? { body } : {}),
      signal: op.signal,
    });
  };
  return {
    async get(op, name) {
      const answer = await send(op, "GET", name);
      if (answer.statusCode === 404) {
        await answer.body.dump();
        return undefined;
      }
      if (answer.statusCode !== 200) throw await refusal(answer);
      if (Number(answer.headers["content-length"] ?? 0) > maxBytes) {
        answer.body.destroy();
        return undefined;
      }
      return new Uint8Array(await answer.body.arrayBuffer());
    },
    async put(op, name, bytes) {
      const answer = await send(op, "PUT", name, bytes);
      if (answer.statusCode >= 300) throw await refusal(answer);
      await answer.body.dump();
    },
    async close() {},
  };
}

async function refusal(answer: Dispatcher.ResponseData): Promise<DriftlessError> {
  const text = (await answer.body.text()).slice(0, 1000);
  const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1];
  return new DriftlessError("INTERNAL", `the store answers ${answer.statusCode}${code ? ` ${code}` : ""}`);
}
