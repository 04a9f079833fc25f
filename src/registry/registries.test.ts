import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { testClock, testOperation } from "#git/testing.ts";
import { createRegistries, type RegistriesOptions } from "./registries.ts";
import { chartArchive, tgzOf } from "./testing/archives.ts";
import { startHelmServer, type HelmServer, type HelmServerOptions } from "./testing/helm-server.ts";
import { startOciServer, type OciServer, type OciServerOptions } from "./testing/oci-server.ts";
import type { ArtifactTree, Registries, RegistryAccess, ResolvedContent } from "./types.ts";

let op: Operation;
let dir: string;
let closers: (() => Promise<void>)[];

beforeEach(() => {
  op = testOperation();
  dir = mkdtempSync(join(tmpdir(), "driftless-registry-"));
  closers = [];
});
afterEach(async () => {
  for (const close of closers) await close();
  rmSync(dir, { recursive: true, force: true });
});

function registries(options: Partial<RegistriesOptions> = {}): Registries {
  const made = createRegistries({ dir, clock: testClock, timeoutMs: 5000, ...options });
  closers.push(() => made.close());
  return made;
}

async function helm(options?: HelmServerOptions): Promise<HelmServer> {
  const server = await startHelmServer(options);
  closers.push(() => server.close());
  return server;
}

async function oci(options?: OciServerOptions): Promise<OciServer> {
  const server = await startOciServer(options);
  closers.push(() => server.close());
  return server;
}

async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DriftlessError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "none";
}

async function filesOf(content: ResolvedContent): Promise<Record<string, string>> {
  const tree = await content.tree(op);
  const files: Record<string, string> = {};
  const walk = (at: ArtifactTree, oid: string, folder: string): void => {
    for (const item of at.items(oid) ?? []) {
      if (item.type === "tree") walk(at, item.oid, `${folder}${item.name}/`);
      else files[`${folder}${item.name}`] = Buffer.from(at.blob(item.oid) ?? []).toString("utf8");
    }
  };
  walk(tree, tree.root, "");
  return files;
}

const counted = (server: { requests: string[] }, what: string): number =>
  server.requests.filter((line) => line.includes(what)).length;

describe("a Helm repository", () => {
  it("gives a chart's files by exact version, with the folder of the archive taken off", async () => {
    const server = await helm();
    await server.publish("web", "1.0.0", { "values.yaml": "a: 1\n", "templates/a.yaml": "x" });
    const content = await registries().chart(op, { access: { url: server.url }, chart: "web", version: "1.0.0" });
    expect(content.revision).toBe("1.0.0");
    expect(await filesOf(content)).toEqual({
      "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndescription: The web of tests\n",
      "values.yaml": "a: 1\n",
      "templates/a.yaml": "x",
    });
    expect(await content.details()).toEqual({
      description: "The web of tests",
      home: "https://example.com/web",
      created: "2026-01-02T03:04:05.6Z",
      maintainers: ["Ada <ada@example.com>"],
    });
  });

  it("finds the highest version of a range, and moves when another is published", async () => {
    const server = await helm();
    for (const version of ["1.0.0", "1.2.0", "2.0.0", "1.3.0-rc.1"]) await server.publish("web", version);
    const source = registries().open({ url: server.url }, "web");
    expect(await source.resolve(op, "^1.0")).toBe("1.2.0");
    expect(await source.resolve(op, "*")).toBe("2.0.0");
    expect(await source.resolve(op, "")).toBe("2.0.0");
    let told = 0;
    source.origin.onChange(() => told++);
    await source.origin.refresh(op);
    expect(told).toBe(0);
    await server.publish("web", "1.3.0");
    expect(await source.resolve(op, "^1.0"), "nobody asked the server yet").toBe("1.2.0");
    await source.origin.refresh(op);
    expect(told).toBe(1);
    expect(await source.resolve(op, "^1.0")).toBe("1.3.0");
    expect(await source.versions(op)).toContain("1.3.0-rc.1");
  });

  it("asks for its index once for many charts, and then only whether it changed", async () => {
    const server = await helm();
    await server.publish("web", "1.0.0");
    await server.publish("db", "3.0.0");
    const all = registries();
    const [web, db] = [all.open({ url: server.url }, "web"), all.open({ url: `${server.url}/` }, "db")];
    await Promise.all([web.resolve(op, "*"), db.resolve(op, "*"), web.resolve(op, "1.x"), db.resolve(op, ">1")]);
    expect(counted(server, "/index.yaml 200")).toBe(1);
    await Promise.all([web.origin.refresh(op), db.origin.refresh(op)]);
    expect(counted(server, "/index.yaml 200")).toBe(1);
    expect(counted(server, "/index.yaml 304")).toBe(1);
  });

  it("is not polled where only exact versions are in use, and asked by nobody for one that is kept", async () => {
    const server = await helm();
    await server.publish("web", "1.0.0");
    const first = registries();
    const source = first.open({ url: server.url }, "web");
    await (await source.content(op, await source.resolve(op, "1.0.0"))).tree(op);
    const before = server.requests.length;
    await source.origin.refresh(op);
    expect(server.requests.length).toBe(before);
    await first.close();
    server.answer({ status: 500 });
    const content = await registries().chart(op, { access: { url: server.url }, chart: "web", version: "1.0.0" });
    expect(Object.keys(await filesOf(content))).toEqual(["Chart.yaml"]);
    expect(server.requests.length).toBe(before);
  });

  it("sees a version that was published anew when it is asked to look", async () => {
    const server = await helm();
    await server.publish("web", "1.0.0", { "values.yaml": "a: old\n" });
    const source = registries().open({ url: server.url }, "web");
    const before = await source.content(op, "1.0.0");
    await server.publish("web", "1.0.0", { "values.yaml": "a: new\n" });
    await source.origin.refresh(op, { all: true });
    const after = await source.content(op, "1.0.0");
    expect(after.digest).not.toBe(before.digest);
    expect((await filesOf(after))["values.yaml"]).toBe("a: new\n");
  });

  it("fetches again what was damaged on disk", async () => {
    const server = await helm();
    await server.publish("web", "1.0.0");
    const first = registries();
    const { digest } = await first.chart(op, { access: { url: server.url }, chart: "web", version: "1.0.0" });
    await first.close();
    writeFileSync(join(dir, "contents", digest.slice(7)), "damaged");
    const again = await registries().chart(op, { access: { url: server.url }, chart: "web", version: "1.0.0" });
    expect(Object.keys(await filesOf(again))).toEqual(["Chart.yaml"]);
  });

  it("fetches its index again where the kept one is gone", async () => {
    const server = await helm();
    await server.publish("web", "1.0.0");
    await server.publish("db", "2.0.0");
    const all = registries();
    await all.open({ url: server.url }, "web").resolve(op, "*");
    rmSync(join(dir, "contents"), { recursive: true });
    mkdirSync(join(dir, "contents"));
    expect(await all.open({ url: server.url }, "db").resolve(op, "*")).toBe("2.0.0");
  });

  it("keeps no more on disk than it may, the latest used longest", async () => {
    const server = await helm();
    const random = createHash("sha512");
    for (let at = 0; at < 8; at++) {
      const noise = Array.from({ length: 900 }, () => random.copy().update(`${Math.random()}`).digest("hex")).join("");
      await server.publish("web", `1.0.${at}`, { noise });
    }
    const all = registries({ maxStoreBytes: 400_000 });
    for (let at = 0; at < 8; at++)
      await all.chart(op, { access: { url: server.url }, chart: "web", version: `1.0.${at}` });
    expect(readdirSync(join(dir, "contents")).length).toBeLessThan(8);
    const first = await all.chart(op, { access: { url: server.url }, chart: "web", version: "1.0.0" });
    expect(Object.keys(await filesOf(first))).toContain("noise");
  });

  describe("credentials", () => {
    const login = { username: "ada", password: "secret-1" };

    it("are sent to the repository, and what others fetched with them is not given to who has none", async () => {
      const server = await helm({ login });
      await server.publish("web", "1.0.0");
      const all = registries();
      await all.chart(op, { access: { url: server.url, ...login }, chart: "web", version: "1.0.0" });
      expect(await failure(all.chart(op, { access: { url: server.url }, chart: "web", version: "1.0.0" }))).toMatch(
        /^REPOSITORY_UNREACHABLE: .*index\.yaml: it wants credentials, and none are configured for it \(HTTP 401\)$/,
      );
      const wrong = { url: server.url, username: "ada", password: "secret-2" };
      const message = await failure(all.chart(op, { access: wrong, chart: "web", version: "1.0.0" }));
      expect(message).toMatch(/the credentials are refused \(HTTP 401\)$/);
      expect(message).not.toContain("secret");
    });

    it("may stand in the URL, and are in no message", async () => {
      const server = await helm({ login });
      await server.publish("web", "1.0.0");
      const { host } = new URL(server.url);
      const all = registries();
      const ask = (url: string): Promise<ResolvedContent> =>
        all.chart(op, { access: { url }, chart: "web", version: "1" });
      expect((await ask(`http://ada:secret-1@${host}`)).revision).toBe("1.0.0");
      const message = await failure(ask(`http://ada:secret-2@${host}`));
      expect(message).toContain("the credentials are refused");
      expect(message).not.toContain("secret");
    });

    it("may be a query of the URL, which goes with everything that is asked of the host", async () => {
      const seen: string[] = [];
      const archive = await chartArchive("web", "1.0.0");
      const server = createServer((request, response) => {
        seen.push(request.url ?? "");
        const index = "entries:\n  web:\n  - { version: 1.0.0, urls: [web.tgz] }\n";
        response.end(request.url?.includes("index") ? index : archive);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      closers.push(async () => void server.close());
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/charts/?token=secret-1`;
      const all = registries();
      await all.chart(op, { access: { url }, chart: "web", version: "1.0.0" });
      expect(seen).toEqual(["/charts/index.yaml?token=secret-1", "/charts/web.tgz?token=secret-1"]);
      expect(await failure(all.chart(op, { access: { url }, chart: "web", version: "2.0.0" }))).not.toContain("secret");
    });

    it.each([
      [false, false],
      [true, true],
    ])("go to another host with passCredentials %j: %j", async (passCredentials, expected) => {
      const archives = await helm();
      await archives.publish("web", "1.0.0");
      const server = await helm({ login, archiveBase: `${archives.url}/` });
      await server.publish("web", "1.0.0");
      const access: RegistryAccess = { url: server.url, ...login, passCredentials };
      await registries().chart(op, { access, chart: "web", version: "1.0.0" });
      expect(archives.authorised("/charts/web-1.0.0.tgz")).toBe(expected);
    });
  });

  describe("what is wrong is said", () => {
    it("a version that is not there, with those that are", async () => {
      const server = await helm();
      for (const version of ["1.0.0", "1.10.0", "1.9.0"]) await server.publish("web", version);
      const all = registries();
      const ask = (version: string): Promise<string> =>
        failure(all.chart(op, { access: { url: server.url }, chart: "web", version }));
      expect(await ask("3.0.0")).toBe(
        `REVISION_NOT_FOUND: chart web of ${server.url} has no version "3.0.0": there are 1.10.0, 1.9.0, 1.0.0`,
      );
      expect(await ask(">=4")).toContain('has no version ">=4": there are 1.10.0, 1.9.0, 1.0.0');
      expect(await ask("main")).toContain('has no version "main"');
    });

    it("a chart that is not there, with those that are", async () => {
      const server = await helm();
      await server.publish("webapp", "1.0.0");
      await server.publish("db", "1.0.0");
      expect(await failure(registries().chart(op, { access: { url: server.url }, chart: "web", version: "*" }))).toBe(
        `REVISION_NOT_FOUND: ${server.url} has no chart web; it has webapp`,
      );
    });

    it.each<[string, string | Buffer, RegExp]>([
      ["a page", "<html><body>Not here</body></html>", /^ARTIFACT_INVALID: .*is no index of a Helm repository/],
      ["broken YAML", "entries:\n  web: [\n", /^ARTIFACT_INVALID: .*is no index of a Helm repository/],
      ["bytes", Buffer.from([0, 255, 1, 2, 3]), /^ARTIFACT_INVALID: .*is no index of a Helm repository/],
      ["nothing", "", /^ARTIFACT_INVALID: .*the input is empty/],
      ["too much", Buffer.alloc(3 << 20, "a: b\n"), /^TOO_LARGE: .*index\.yaml has more than 1048576 bytes/],
    ])("an index that is %s", async (_name, body, expected) => {
      const server = await helm();
      server.answer({ status: 200, body }, "/index.yaml");
      const all = registries({ maxIndexBytes: 1 << 20 });
      expect(await failure(all.open({ url: server.url }, "web").resolve(op, "*"))).toMatch(expected);
    });

    it("a repository that hangs, while another answers", async () => {
      const [bad, good] = [await helm(), await helm()];
      bad.answer("hang");
      await good.publish("web", "1.0.0");
      const all = registries({ timeoutMs: 400 });
      const hanging = failure(all.open({ url: bad.url }, "web").resolve(op, "*"));
      expect(await all.open({ url: good.url }, "web").resolve(op, "*")).toBe("1.0.0");
      expect(await hanging).toBe(`REPOSITORY_UNREACHABLE: ${bad.url}/index.yaml: no answer within 0.4 s`);
    });

    it("a repository that hung is not waited for by those who ask a moment later", async () => {
      const server = await helm();
      await server.publish("web", "1.0.0");
      server.answer("hang");
      let now = 0;
      const clock = { ...testClock, monotonic: () => now };
      const all = registries({ timeoutMs: 400, clock });
      const source = all.open({ url: server.url }, "web");
      const ask = (): Promise<string> => failure(source.resolve(op, "*"));
      expect(await ask()).toContain("no answer within 0.4 s");
      server.answer(undefined);
      const requests = server.requests.length;
      expect(await ask()).toContain("no answer within 0.4 s");
      expect(server.requests.length).toBe(requests);
      now += 60_000;
      expect(await source.resolve(op, "*")).toBe("1.0.0");
    });

    it("a repository that hung is asked at once by who wants to know now", async () => {
      const server = await helm();
      await server.publish("web", "1.0.0");
      server.answer("hang");
      const all = registries({ timeoutMs: 400 });
      const source = all.open({ url: server.url }, "web");
      expect(await failure(source.resolve(op, "*"))).toContain("no answer within 0.4 s");
      server.answer(undefined);
      expect(await failure(source.resolve(op, "*"))).toContain("no answer within 0.4 s");
      all.askAnew();
      expect(await source.resolve(op, "*")).toBe("1.0.0");
    });

    it("a repository that is not there", async () => {
      const server = await helm();
      await server.close();
      expect(await failure(registries().open({ url: server.url }, "web").resolve(op, "*"))).toMatch(
        /^REPOSITORY_UNREACHABLE: .*ECONNREFUSED/,
      );
    });

    it("a digest that is not the index's", async () => {
      const server = await helm();
      server.publishArchive("web", "1.0.0", await chartArchive("web", "1.0.0"), "ab".repeat(32));
      expect(
        await failure(registries().chart(op, { access: { url: server.url }, chart: "web", version: "1.0.0" })),
      ).toMatch(/^ARTIFACT_INVALID: .*web-1\.0\.0\.tgz: has the digest sha256:.*, and the index says sha256:abab/);
    });

    it("an archive that is gone", async () => {
      const server = await helm();
      await server.publish("web", "1.0.0");
      server.answer({ status: 404 }, "/charts/web-1.0.0.tgz");
      expect(
        await failure(registries().chart(op, { access: { url: server.url }, chart: "web", version: "1.0.0" })),
      ).toContain("there is nothing there (the archive of chart web 1.0.0) (HTTP 404)");
    });

    it("a bad index does not take the place of the last good one", async () => {
      const server = await helm();
      await server.publish("web", "1.0.0");
      const source = registries().open({ url: server.url }, "web");
      expect(await source.resolve(op, "*")).toBe("1.0.0");
      server.answer({ status: 200, body: "oops" }, "/index.yaml");
      expect(await failure(source.origin.refresh(op))).toMatch(/^ARTIFACT_INVALID/);
      expect(await source.resolve(op, "*")).toBe("1.0.0");
    });

    it.each([
      ["ftp://example.com/charts", "web", /neither http, https nor oci/],
      ["https://example.com", undefined, /spec\.source\.chart is required/],
      ["https://example.com", "../x", /is no name of a chart/],
      ["oci://example.com/UPPER case", undefined, /is no name of an OCI repository/],
    ])("the address %s with the chart %s", (url, chart, expected) => {
      expect(() => registries().open({ url }, chart)).toThrow(expected);
    });
  });
});

describe("an OCI registry", () => {
  it("gives a chart by version and range, tags over several pages", async () => {
    const server = await oci({ pageSize: 2 });
    for (const version of ["1.0.0", "1.1.0", "1.2.0+build.7", "2.0.0"])
      await server.pushChart("charts", "web", version, { "values.yaml": `v: ${version}\n` });
    const access: RegistryAccess = { url: `oci://${server.host}/charts`, forceHttp: true };
    const source = registries().open(access, "web");
    expect(await source.resolve(op, "^1")).toBe("1.2.0+build.7");
    expect(await source.resolve(op, "1.0.0")).toBe("1.0.0");
    const content = await source.content(op, "1.2.0+build.7");
    expect((await filesOf(content))["values.yaml"]).toBe("v: 1.2.0+build.7\n");
    expect(counted(server, "tags/list")).toBe(2);
    let told = 0;
    source.origin.onChange(() => told++);
    await server.pushChart("charts", "web", "1.3.0");
    await source.origin.refresh(op);
    expect(told).toBe(1);
    expect(await source.resolve(op, "^1")).toBe("1.3.0");
  });

  it("is one also without a scheme, where the Secret says so or not", async () => {
    const server = await oci();
    await server.pushChart("charts", "web", "1.0.0");
    const content = await registries().chart(op, {
      access: { url: `${server.host}/charts`, enableOci: true, forceHttp: true },
      chart: "web",
      version: "1.0.0",
    });
    expect(content.revision).toBe("1.0.0");
  });

  it.each(["bearer", "basic"] as const)("asks for %s credentials and gets them", async (auth) => {
    const login = { username: "ada", password: "secret-1" };
    const server = await oci({ login, auth });
    await server.pushChart("charts", "web", "1.0.0");
    const all = registries();
    const ask = (access: Partial<RegistryAccess>): Promise<ResolvedContent> =>
      all.chart(op, {
        access: { url: `oci://${server.host}/charts`, forceHttp: true, ...access },
        chart: "web",
        version: "1.0.0",
      });
    expect((await ask(login)).revision).toBe("1.0.0");
    expect(counted(server, "/token")).toBe(auth === "bearer" ? 1 : 0);
    expect(await failure(ask({}))).toMatch(/^REPOSITORY_UNREACHABLE: .*it wants credentials, and none are configured/);
    const wrong = await failure(ask({ ...login, password: "secret-2" }));
    expect(wrong).toMatch(/the credentials are refused \(HTTP 401\)$/);
    expect(wrong).not.toContain("secret");
  });

  it("sends no credentials where its blobs are redirected to", async () => {
    const login = { username: "ada", password: "secret-1" };
    const storage = await helm();
    const server = await oci({ login, blobsAt: storage.url });
    const layer = {
      bytes: await chartArchive("web", "1.0.0"),
      mediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    };
    await server.push("charts/web", "1.0.0", layer);
    const digest = `sha256:${createHash("sha256").update(layer.bytes).digest("hex")}`;
    storage.answer({ status: 200, body: layer.bytes }, `/${digest}`);
    const access: RegistryAccess = { url: `oci://${server.host}/charts`, forceHttp: true, ...login };
    const content = await registries().chart(op, { access, chart: "web", version: "1.0.0" });
    expect(Object.keys(await filesOf(content))).toEqual(["Chart.yaml"]);
    expect(storage.authorised(`/${digest}`)).toBe(false);
  });

  it("refuses a blob and a manifest whose digest is another", async () => {
    const server = await oci();
    const layer = {
      bytes: await chartArchive("web", "1.0.0"),
      mediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    };
    await server.push("charts/web", "1.0.0", layer);
    const digest = `sha256:${createHash("sha256").update(layer.bytes).digest("hex")}`;
    const other = Buffer.from(layer.bytes);
    other[other.length - 1] = (other[other.length - 1] ?? 0) ^ 1;
    server.corrupt(digest, other);
    const access: RegistryAccess = { url: `oci://${server.host}/charts`, forceHttp: true };
    expect(await failure(registries().chart(op, { access, chart: "web", version: "1.0.0" }))).toMatch(
      /^ARTIFACT_INVALID: .*a blob has the digest sha256:.*, and its manifest says sha256:/,
    );
  });

  it("says which versions there are", async () => {
    const server = await oci();
    for (const version of ["1.0.0", "1.1.0"]) await server.pushChart("charts", "web", version);
    const access: RegistryAccess = { url: `oci://${server.host}/charts`, forceHttp: true };
    const all = registries();
    for (const version of ["9.9.9", "^3"])
      expect(await failure(all.chart(op, { access, chart: "web", version }))).toBe(
        `REVISION_NOT_FOUND: oci://${server.host}/charts/web has no version "${version}": there are 1.1.0, 1.0.0`,
      );
    expect(await failure(all.chart(op, { access, chart: "none", version: "1.0.0" }))).toContain("it has none");
  });

  it("gets the login that stands in its URL, and shows it nowhere", async () => {
    const login = { username: "ada", password: "p@ss" };
    const server = await oci({ login });
    await server.pushChart("charts", "web", "1.0.0");
    const at = (password: string): RegistryAccess => ({
      url: `oci://ada:${encodeURIComponent(password)}@${server.host}/charts`,
      forceHttp: true,
    });
    const source = registries().open(at("p@ss"), "web");
    expect(await source.resolve(op, "*")).toBe("1.0.0");
    expect(source.url).toBe(`oci://${server.host}/charts/web`);
    const refused = await failure(registries().open(at("wrong-one"), "web").resolve(op, "*"));
    expect(refused).toContain("the credentials are refused");
    expect(refused).not.toContain("wrong");
  });

  it("that hangs has its time, and others are unharmed", async () => {
    const [bad, good] = [await oci(), await oci()];
    await good.pushChart("charts", "web", "1.0.0");
    bad.hang(true);
    const all = registries({ timeoutMs: 400 });
    const access = (server: OciServer): RegistryAccess => ({ url: `oci://${server.host}/charts`, forceHttp: true });
    const hanging = failure(all.open(access(bad), "web").resolve(op, "*"));
    expect(await all.open(access(good), "web").resolve(op, "*")).toBe("1.0.0");
    expect(await hanging).toContain("no answer within 0.4 s");
  });

  describe("of manifests", () => {
    const files = { "a/cm.yaml": "kind: ConfigMap\n", "kustomization.yaml": "resources: [a/cm.yaml]\n" };

    it("gives an artifact by tag, digest and range, and notices a tag that was moved", async () => {
      const server = await oci();
      const first = await server.pushFiles("team/config", "latest", files);
      const second = await server.pushFiles("team/config", "1.2.0", { "b.yaml": "b\n" });
      const source = registries().open({ url: `oci://${server.host}/team/config`, forceHttp: true });
      expect(source.kind).toBe("artifact");
      expect(await source.resolve(op, "latest")).toBe(first);
      expect(await source.resolve(op, "")).toBe(first);
      expect(await source.resolve(op, second)).toBe(second);
      expect(await source.resolve(op, "1.x")).toBe(second);
      expect(await filesOf(await source.content(op, first))).toEqual(files);
      let told = 0;
      source.origin.onChange(() => told++);
      const moved = await server.pushFiles("team/config", "latest", { "c.yaml": "c\n" });
      await source.origin.refresh(op);
      expect(told).toBe(1);
      expect(await source.resolve(op, "latest")).toBe(moved);
      expect(await filesOf(await source.content(op, moved))).toEqual({ "c.yaml": "c\n" });
    });

    it("gives what its annotations say", async () => {
      const server = await oci();
      const annotations = {
        "org.opencontainers.image.description": "What we run",
        "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
        "org.opencontainers.image.authors": "Ada, Bob",
      };
      const layer = { bytes: await tgzOf(files), mediaType: "application/vnd.oci.image.layer.v1.tar+gzip" };
      const digest = await server.push("team/config", "v1", layer, { annotations });
      const content = await registries()
        .open({ url: `oci://${server.host}/team/config`, forceHttp: true })
        .content(op, digest);
      expect(await content.details()).toEqual({
        description: "What we run",
        created: "2026-01-02T03:04:05Z",
        maintainers: ["Ada", "Bob"],
        annotations,
      });
    });

    it("refuses other media types", async () => {
      const server = await oci();
      const layer = { bytes: await tgzOf(files), mediaType: "application/vnd.example.tar+gzip" };
      await server.push("team/config", "v1", layer);
      const source = registries().open({ url: `oci://${server.host}/team/config`, forceHttp: true });
      expect(await failure(source.content(op, await source.resolve(op, "v1")))).toMatch(
        /^ARTIFACT_INVALID: .*has a layer of the media type application\/vnd\.example\.tar\+gzip; allowed are/,
      );
    });
  });
});
