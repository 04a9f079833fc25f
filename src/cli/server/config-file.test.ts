import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigFile, configPaths } from "./config-file.ts";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "driftless-config-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const read = (explicit = ""): Promise<ConfigFile> => ConfigFile.read(configPaths({ HOME: home }, explicit));
function write(path: string, content: string): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), content);
}

const argocds = `contexts:
- name: cd.example.com
  server: cd.example.com
  user: cd.example.com
current-context: cd.example.com
prompts-enabled: false
servers:
- grpc-web-root-path: ""
  insecure: true
  server: cd.example.com
users:
- auth-token: secret
  name: cd.example.com
`;

describe("the configuration file", () => {
  test("where there is none, there is nothing", async () => {
    const config = await read();
    expect([config.current, config.contexts]).toEqual(["", []]);
  });

  test("argocd's is read where ours is missing", async () => {
    write(".config/argocd/config", argocds);
    const config = await read();
    expect(config.resolve(config.current)).toMatchObject({
      server: { server: "cd.example.com", insecure: true },
      user: { "auth-token": "secret" },
    });
  });

  test.each(["DRIFTLESS_CONFIG_DIR", "ARGOCD_CONFIG_DIR"])(
    "a folder that %s names is read and written",
    async (name) => {
      write("named/config", argocds);
      const paths = configPaths({ HOME: home, [name]: join(home, "named") }, "");
      const config = await ConfigFile.read(paths);
      expect(config.current).toBe("cd.example.com");
      config.remove("cd.example.com");
      await config.save();
      expect((await ConfigFile.read(paths)).contexts).toEqual([]);
      expect(readdirSync(home)).toEqual(["named"]);
    },
  );

  test("ours is written, private, with what argocd's had; argocd's stays as it is", async () => {
    write(".config/argocd/config", argocds);
    const config = await read();
    config.put("local", { server: "localhost:8080", "plain-text": true }, { name: "local", "auth-token": "t" });
    await config.save();
    const path = join(home, ".config", "driftless", "config");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(path))).toEqual(["config"]);
    expect(readFileSync(join(home, ".config", "argocd", "config"), "utf8")).toBe(argocds);
    const again = await read();
    expect(again.current).toBe("local");
    expect(again.contexts.map((item) => item.name)).toEqual(["cd.example.com", "local"]);
    expect(again.resolve("cd.example.com").user["auth-token"]).toBe("secret");
  });

  test("a login again replaces the token; a logout forgets it", async () => {
    const config = await read();
    config.put("a", { server: "s" }, { name: "a", "auth-token": "1" });
    config.put("a", { server: "s" }, { name: "a", "auth-token": "2" });
    expect(config.contexts).toHaveLength(1);
    expect(config.resolve("a").user["auth-token"]).toBe("2");
    expect(config.forgetToken("a")).toBe(true);
    expect(config.resolve("a").user["auth-token"]).toBeUndefined();
  });

  test("the last context that goes takes the file with it", async () => {
    const config = await read(join(home, "mine"));
    config.put("a", { server: "s" }, { name: "a" });
    config.put("b", { server: "s" }, { name: "b" });
    config.remove("b");
    expect(config.current).toBe("");
    expect(config.resolve("a").server).toEqual({ server: "s" });
    await config.save();
    expect(readFileSync(join(home, "mine"), "utf8")).toContain("name: a");
    config.remove("a");
    await config.save();
    expect(readdirSync(home)).toEqual([]);
  });

  test.each([
    ["contexts: [", "cannot be read"],
    ["- a", "it is not a mapping"],
    ["contexts: 4", "contexts is not a list"],
  ])("%j is refused with the file's name", async (content, message) => {
    write("mine", content);
    await expect(read(join(home, "mine"))).rejects.toThrow(message);
    await expect(read(join(home, "mine"))).rejects.toThrow(join(home, "mine"));
  });

  test("an unknown context is an error", async () => {
    expect(() => new ConfigFile("f", {}).resolve("x")).toThrow('there is no context "x" in f');
  });
});
