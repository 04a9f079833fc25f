// The terminal of a pod in a real browser: the page, the running system, and a stand-in for the API server's exec endpoint,
// for the sandbox's pods have no processes.
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserIncluded, launchBrowser, openPage, screenshotFolder, type WatchedPage } from "../support/browser.ts";
import { buildPage } from "../support/build-page.ts";
import { clustersUnderTest, type RunningCluster } from "../support/cluster.ts";
import { startExecServer, type ExecServer } from "../support/exec-server.ts";
import { connectKube, type Kube } from "../support/kube.ts";
import { startProxy, type ApiProxy } from "../support/proxy.ts";
import { startUp, type Up } from "../support/up.ts";

const included = browserIncluded("A pod's terminal in a browser: 6 tests");
const password = "a-password-of-tests";

describe.skipIf(!included)("a pod's terminal", () => {
  let cluster: RunningCluster;
  let proxy: ApiProxy;
  let exec: ExecServer;
  let up: Up;
  let kube: Kube;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  const shots = screenshotFolder();
  const settings = { name: "argocd-cm", namespace: "argocd" };
  const details = (): Locator => page.getByRole("complementary", { name: /^Pod / });
  const tab = (): Locator => details().getByRole("button", { name: "Terminal" });
  const screen = (): Locator => page.locator(".terminal-place");
  const shows = (text: string): Promise<void> =>
    expect.poll(() => screen().locator(".xterm-rows").innerText(), { timeout: 10_000 }).toContain(text);

  beforeAll(async () => {
    await buildPage();
    [cluster, exec, browser] = await Promise.all([
      clustersUnderTest()[0]!.start(),
      startExecServer(["sh"]),
      launchBrowser(),
    ]);
    proxy = await startProxy(cluster.kubeconfig);
    proxy.sockets = { url: exec.url, token: "kube" };
    up = await startUp({ kubeconfig: proxy.kubeconfig });
    kube = connectKube(cluster.kubeconfig);
  });
  afterAll(async () => {
    await browser?.close();
    await kube?.close();
    await up?.stop();
    await proxy?.close();
    await exec?.close();
    await cluster?.stop();
  });

  async function logIn(username: string, colorScheme: "dark" | "light", secret: string): Promise<void> {
    await watched?.close();
    watched = await openPage(browser, { colorScheme });
    page = watched.page;
    await page.goto(`${up.url}/applications/argocd/platform-api`);
    await page.getByLabel("User").fill(username);
    await page.getByLabel("Password").fill(secret);
    await page.keyboard.press("Enter");
    await page.locator('.tree-item[data-kind="Pod"]').first().click({ timeout: 60_000 });
    await details().waitFor();
  }

  it("is not there unless the settings have it", async () => {
    await logIn("admin", "dark", up.password);
    await details().getByRole("button", { name: "Events" }).waitFor();
    expect(await tab().count()).toBe(0);
    await kube.edit("ConfigMap", settings, { data: { "exec.enabled": "true", "accounts.ann": "login" } });
    await expect
      .poll(async () => (await up.api.must<{ execEnabled?: boolean }>("GET", "/api/v1/settings")).execEnabled)
      .toBe(true);
  });

  it("opens the first shell that there is, types and shows", async () => {
    await page.reload();
    await tab().click();
    await shows("$ ");
    await page.keyboard.type("echo hällo");
    await shows("echo hällo");
    const asked = exec.requests.map((request) => new URL(request, "http://x").searchParams.get("command"));
    expect(asked).toEqual(["bash", "sh"]);
    await page.screenshot({ path: join(shots, "terminal-dark.png") });
  });

  it("tells the shell its size, also when it is made large", async () => {
    await expect.poll(() => exec.sizes.length).toBeGreaterThan(0);
    const width = (): number => (exec.sizes.at(-1) as { Width: number }).Width;
    const before = width();
    await page.getByRole("button", { name: "Large" }).click();
    await expect.poll(width).toBeGreaterThan(before * 1.3);
    await page.screenshot({ path: join(shots, "terminal-large-dark.png") });
    await page.getByRole("button", { name: "Small again" }).click();
    await expect.poll(width).toBe(before);
  });

  it("opens the shell and container that are chosen, and connects again when it has ended", async () => {
    await details().getByLabel("Shell").selectOption("sh");
    await shows("$ ");
    expect(exec.requests.at(-1)).toContain("command=sh");
    await screen().click();
    await page.keyboard.type("exit");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("The shell has ended").waitFor();
    await page.getByRole("button", { name: "Connect again" }).click();
    await shows("$ ");
    await details().getByLabel("Shell").selectOption("powershell");
    await page.getByRole("alert").waitFor();
    await shows("no such file");
  });

  it("says when the session has ended, and leads to logging in", async () => {
    await details().getByLabel("Shell").selectOption("sh");
    await shows("$ ");
    await page.evaluate("fetch('/api/v1/session', { method: 'DELETE' })");
    await page.getByRole("alert").getByText("Your session has ended").waitFor({ timeout: 15_000 });
    await page.screenshot({ path: join(shots, "terminal-session-dark.png") });
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByLabel("Password").waitFor();
  });

  it("says who may not, and what it takes; in the light, too", async () => {
    const rbac = { name: "argocd-rbac-cm", namespace: "argocd" };
    await kube.edit("ConfigMap", rbac, { data: { "policy.default": "role:readonly" } });
    await up.api.must("PUT", "/api/v1/account/password", {
      name: "ann",
      currentPassword: up.password,
      newPassword: password,
    });
    await logIn("ann", "light", password);
    await tab().click();
    await page.getByRole("alert").getByText("You may not open terminals").waitFor();
    await logIn("admin", "light", up.password);
    await tab().click();
    await shows("$ ");
    await page.keyboard.type("echo in the light");
    await shows("echo in the light");
    await page.screenshot({ path: join(shots, "terminal-light.png") });
    expect(watched.problems).toEqual([]);
    await watched.close();
  });
});
