// What REST has and the other transports have not: parts of answers, compressed answers, the description, the page.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Agent, request } from "undici";
import { expect } from "vitest";
import { isObject } from "#base/json.ts";
import { eventually } from "../../support/eventually.ts";
import { repositoryRoot, type Up } from "../../support/up.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

interface Check {
  readonly name: string;
  readonly run: (get: Get) => Promise<void>;
}

type Get = (path: string, headers?: Readonly<Record<string, string>>) => Promise<Answer>;

/** Answers as they come over the wire, not unpacked; of one that does not end its first piece. */
export async function withRest(up: Up, use: (get: Get) => Promise<void>): Promise<void> {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const token = await up.api.token();
  const get: Get = async (path, headers = {}) => {
    const options = { dispatcher, headers: { authorization: `Bearer ${token}`, ...headers } };
    const answer = await request(new URL(path, up.url), options);
    const chunks: Buffer[] = [];
    const endless = answer.headers["content-length"] === undefined && path.includes("/stream/");
    for await (const chunk of answer.body) {
      chunks.push(chunk as Buffer);
      if (endless) break;
    }
    return { status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(chunks) };
  };
  try {
    await use(get);
  } finally {
    await dispatcher.destroy();
  }
}

const json = ({ bytes }: Answer): unknown => JSON.parse(bytes.toString("utf8"));
const list = "/api/v1/applications";

export const restChecks: readonly Check[] = [
  {
    name: "parts of an answer by fields, of lists, objects and streams",
    async run(get) {
      const names = json(await get(`${list}?fields=items.metadata.name`)) as { items: readonly object[] };
      expect(names.items.length).toBeGreaterThan(0);
      for (const item of names.items) expect(item).toEqual({ metadata: { name: expect.any(String) as string } });
      expect(Object.keys(names)).toEqual(["items"]);
      const without = json(await get(`${list}?fields=-items.spec,items.status`)) as { items: readonly object[] };
      for (const item of without.items) {
        expect(item).toHaveProperty("metadata");
        expect(item).not.toHaveProperty("spec");
      }
      const root = json(await get(`${list}/root?fields=metadata.name,spec.project`));
      expect(root).toEqual({ metadata: { name: "root" }, spec: { project: "default" } });
      const stream = await get("/api/v1/stream/applications?name=root&fields=result.application.metadata.name");
      expect(JSON.parse(stream.bytes.toString("utf8").split("\n")[0]!)).toEqual({
        result: { application: { metadata: { name: "root" } } },
      });
    },
  },
  {
    name: "answers are compressed for who asks for it, streams are not",
    async run(get) {
      const packed = await get("/swagger.json", { "accept-encoding": "gzip" });
      const plain = await get("/swagger.json");
      expect([packed.headers["content-encoding"], packed.headers["vary"]]).toEqual(["gzip", "accept-encoding"]);
      expect(plain.headers["content-encoding"]).toBeUndefined();
      expect(gunzipSync(packed.bytes).equals(plain.bytes)).toBe(true);
      expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 4);
      // What is short is sent as it is, also where it is a list.
      await eventually(async () => expect((await get(list)).bytes.length).toBeGreaterThan(4096));
      const apps = await get(list, { "accept-encoding": "gzip" });
      expect(apps.headers["content-encoding"]).toBe("gzip");
      expect(isObject(JSON.parse(gunzipSync(apps.bytes).toString("utf8")))).toBe(true);
      const short = await get("/api/version", { "accept-encoding": "gzip" });
      expect(short.headers["content-encoding"]).toBeUndefined();
      const events = { "accept-encoding": "gzip", accept: "text/event-stream" };
      const stream = await get("/api/v1/stream/applications?name=root", events);
      expect([stream.headers["content-type"], stream.headers["content-encoding"]]).toEqual([
        "text/event-stream",
        undefined,
      ]);
      expect(stream.bytes.toString("utf8")).toMatch(/^data: \{"result":/);
    },
  },
  {
    name: "files of the page are not sent again where they are the same",
    async run(get) {
      if (!existsSync(join(repositoryRoot, "dist", "ui", "index.html"))) return;
      const page = await get("/", { accept: "text/html" });
      const file = /"(\/?assets\/[^"]+\.js|\/?[\w./-]+\.js)"/.exec(page.bytes.toString("utf8"))?.[1] ?? "";
      const script = await get(file.startsWith("/") ? file : `/${file}`);
      expect([page.status, script.status]).toEqual([200, 200]);
      const again = await get(file.startsWith("/") ? file : `/${file}`, {
        "if-none-match": script.headers["etag"] as string,
      });
      expect([again.status, again.bytes.length]).toEqual([304, 0]);
    },
  },
];
