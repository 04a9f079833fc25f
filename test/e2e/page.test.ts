// The page in a real browser, on the running system: what a person sees and does, live.
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserIncluded, launchBrowser, openPage, screenshotFolder, type WatchedPage } from "../support/browser.ts";
import { buildPage } from "../support/build-page.ts";
import { connectKube, type Kube } from "../support/kube.ts";
import { startUp, type Up } from "../support/up.ts";

const included = browserIncluded("The page in a browser: 15 tests");

describe.skipIf(!included)("the page", () => {
  let up: Up;
  let kube: Kube;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  const shots = screenshotFolder();
  const shoot = (name: string): Promise<Buffer> => page.screenshot({ path: join(shots, `${name}.png`) });
  const tile = (name: string): Locator => page.locator(`[data-app="${name}"]`);
  const node = (kind: string): Locator => page.locator(`.tree-item[data-kind="${kind}"]`);
  const status = (of: Locator, value: string): Locator => of.locator(`[data-status="${value}"]`).first();

  beforeAll(async () => {
    await buildPage();
    [up, browser] = await Promise.all([startUp(), launchBrowser()]);
    kube = connectKube(up.kubeconfig);
    watched = await openPage(browser, { colorScheme: "dark" });
    page = watched.page;
  });
  afterAll(async () => {
    await browser?.close();
    await kube?.close();
    await up?.stop();
  });

  it("asks to log in, and says when the password is wrong", async () => {
    await page.goto(`${up.url}/applications?sort=health`);
    await page.getByLabel("Password").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("Invalid username or password").waitFor();
    // The browser itself reports the refused request.
    expect(watched.problems.every((problem) => problem.includes("401"))).toBe(true);
  });

  it("asks again when the session has ended, and goes on where one was", async () => {
    await page.getByLabel("Password").fill(up.password);
    await page.keyboard.press("Enter");
    await tile("storefront").waitFor();
    await page.context().clearCookies();
    await tile("storefront").getByRole("link").click();
    await page.getByText("Your session has ended").waitFor();
    await page.getByLabel("Password").fill(up.password);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "storefront" }).waitFor();
  });

  it("leads to the address that was asked for, after logging in", async () => {
    await watched.close();
    watched = await openPage(browser, { colorScheme: "dark" });
    page = watched.page;
    await page.goto(`${up.url}/applications?sort=health`);
    await page.getByLabel("Password").fill(up.password);
    await page.keyboard.press("Enter");
    await tile("root").waitFor();
    expect(page.url()).toContain("sort=health");
  });

  it("lists the demo's applications, and follows them as they become healthy", async () => {
    for (const name of ["root", "platform-api", "storefront", "monitoring"]) await tile(name).waitFor();
    for (const name of ["root", "platform-api", "monitoring"]) {
      await status(tile(name), "Synced").waitFor({ timeout: 60_000 });
      await status(tile(name), "Healthy").waitFor({ timeout: 60_000 });
    }
    await page.locator('[data-live="live"]').waitFor();
    await shoot("applications-dark");
  });

  it("is worked by keys alone: search, move, open, go back", async () => {
    await page.keyboard.press("/");
    await page.keyboard.type("platform-a");
    await expect.poll(() => page.locator("[data-app]").count()).toBe(1);
    await expect.poll(() => page.url()).toContain("q=platform-a");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => page.evaluate("document.activeElement.textContent")).toBe("platform-api");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/applications/argocd/platform-api");
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("One application").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await node("Deployment").waitFor();
    await page.keyboard.press("Escape");
    await page.waitForURL("**/applications?q=platform-a**");
    await page.keyboard.press("Escape");
    await expect.poll(() => page.locator("[data-app]").count()).toBe(4);
  });

  it("filters by what a person chooses, and keeps it in the address", async () => {
    await page.getByRole("complementary", { name: "Filters" }).getByText("monitoring").click();
    await expect.poll(() => page.locator("[data-app]").count()).toBe(1);
    await expect.poll(() => page.url()).toContain("namespace=monitoring");
    await page.reload();
    await tile("monitoring").waitFor();
    expect(await page.locator("[data-app]").count()).toBe(1);
    await page.getByRole("button", { name: "Clear", exact: true }).click();
    await tile("root").waitFor();
  });

  it("draws an application's tree down to its pods, live, and a hand edit is healed", async () => {
    await tile("platform-api").getByRole("link").click();
    await expect.poll(() => node("Pod").count(), { timeout: 30_000 }).toBe(2);
    const before = await page.locator("[data-kind=Pod]").first().getAttribute("data-name");
    await kube.remove("Pod", before!, "platform-api");
    await page.locator(`[data-name="${before}"]`).waitFor({ state: "detached" });
    await expect.poll(() => node("Pod").count()).toBe(2);
    await kube.edit(
      "ConfigMap",
      { name: "platform-api", namespace: "platform-api" },
      { data: { GREETING: "by hand" } },
    );
    await node("ConfigMap").click();
    const details = page.getByRole("complementary", { name: "ConfigMap platform-api" });
    await details.getByRole("button", { name: "Live" }).click();
    await details.getByText("Hello from Git").waitFor();
    await shoot("application-dark");
    await node("Pod").first().click();
    const pod = page.getByRole("complementary", { name: /^Pod / });
    await pod.getByRole("button", { name: "Live" }).click();
    await pod.getByText("ownerReferences:").waitFor();
    await page.keyboard.press("Escape");
    await node("Deployment").click();
    const deployment = page.getByRole("complementary", { name: "Deployment platform-api" });
    await deployment.getByRole("button", { name: "Events" }).click();
    await deployment.getByText("ScalingReplicaSet").first().waitFor();
    await page.keyboard.press("Escape");
  });

  it("creates an application from a form", async () => {
    await page.goto(`${up.url}/applications`);
    await tile("root").waitFor();
    await page.keyboard.press("n");
    const dialog = page.getByRole("dialog");
    const fields = { Name: "by-hand", Repository: up.cloneUrl, Path: "apps/platform-api", Namespace: "by-hand" };
    for (const [label, value] of Object.entries(fields)) await dialog.getByLabel(label, { exact: true }).fill(value);
    await dialog.getByLabel("Sync by itself").uncheck();
    await dialog.getByRole("button", { name: "YAML" }).click();
    await expect.poll(() => dialog.getByLabel("Application as YAML").inputValue()).toContain("name: by-hand");
    await dialog.getByRole("button", { name: "Form" }).click();
    await dialog.getByRole("button", { name: "Create" }).click();
    await page.waitForURL("**/applications/argocd/by-hand");
    await status(page.locator(".app-facts"), "OutOfSync").waitFor();
  });

  it("syncs from the page, and follows the operation until all is healthy", async () => {
    await page.keyboard.press("s");
    await page.getByRole("dialog", { name: "Sync by-hand" }).getByText("Revision: branch").waitFor();
    await page.keyboard.press("Enter");
    await status(page.locator(".app-facts"), "Synced").waitFor({ timeout: 60_000 });
    await status(page.locator(".app-facts"), "Healthy").waitFor({ timeout: 60_000 });
  });

  it("says what a sync waits for, and why, and ends it", async () => {
    const at = { name: "by-hand", namespace: "argocd" };
    const dependsOn = (value: string | null) => ({ metadata: { annotations: { "driftless.dev/depends-on": value } } });
    await kube.edit("Application", at, dependsOn("nobody"));
    await page.keyboard.press("s");
    await page.getByRole("dialog", { name: "Sync by-hand" }).getByText("Revision: branch").waitFor();
    await page.keyboard.press("Enter");
    const operation = page.getByRole("region", { name: "Operation" });
    await operation.getByText("waits for Application nobody: it does not exist").waitFor();
    await operation.getByRole("button", { name: "Terminate" }).click();
    await operation.getByText("Operation terminated").waitFor();
    await kube.edit("Application", at, dependsOn(null));
  });

  it("shows what a hand edit changed, and takes it back by a sync of that object alone", async () => {
    await kube.edit("ConfigMap", { name: "platform-api", namespace: "by-hand" }, { data: { GREETING: "by hand" } });
    await status(page.locator(".app-facts"), "OutOfSync").waitFor();
    await status(node("ConfigMap"), "OutOfSync").waitFor();
    await node("ConfigMap").click();
    const difference = page.getByLabel("Difference");
    await difference.waitFor();
    expect((await difference.locator(".diff-removed").allTextContents()).join()).toContain("by hand");
    expect((await difference.locator(".diff-added").allTextContents()).join()).toContain("Hello from Git");
    await page.getByRole("button", { name: "Side by side" }).click();
    await shoot("diff-dark");
    await page.keyboard.press("s");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Out of sync" }).click();
    await dialog.getByRole("button", { name: "Sync 1 of" }).click();
    await status(page.locator(".app-facts"), "Synced").waitFor({ timeout: 30_000 });
    await page.getByText("No difference").waitFor();
    await page.keyboard.press("Escape");
  });

  it("deletes an application only when its name is typed", async () => {
    await page.getByRole("button", { name: "Delete the application" }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.getByRole("button", { name: "Delete", exact: true }).isDisabled()).toBe(true);
    await dialog.getByLabel("Type by-hand to confirm").fill("by-hand");
    await page.keyboard.press("Enter");
    await page.getByText("by-hand has been deleted").waitFor({ timeout: 60_000 });
    expect(await kube.get("Deployment", "platform-api", "by-hand")).toBeUndefined();
  });

  it("shows the account and what there is, and changes the password", async () => {
    await page.getByRole("button", { name: "Account admin" }).click();
    await page.getByRole("menuitem", { name: "Account and settings" }).click();
    const settings = page.getByRole("navigation", { name: "Settings" });
    await page.getByRole("region", { name: "Account" }).getByText("admin", { exact: true }).waitFor();
    await shoot("settings-account-dark");
    for (const [name, text] of [
      ["Projects", "platform"],
      ["Clusters", "in-cluster"],
      ["Accounts", "admin"],
    ] as const) {
      await settings.getByRole("link", { name, exact: true }).click();
      await page.getByRole("region", { name }).getByRole("cell", { name: text, exact: true }).waitFor();
    }
    await settings.getByRole("link", { name: "Projects" }).click();
    await page.getByLabel("Search projects").fill("plat");
    await expect.poll(() => page.getByRole("row").count()).toBe(2);
    await shoot("settings-projects-dark");
    await page.getByRole("button", { name: "Account admin" }).click();
    await page.getByRole("menuitem", { name: "Change password" }).click();
    const dialog = page.getByRole("dialog");
    const change = async (current: string, wanted: string): Promise<void> => {
      await dialog.getByLabel("Current password").fill(current);
      await dialog.getByLabel("New password", { exact: true }).fill(wanted);
      await dialog.getByLabel("New password again").fill(wanted);
      await dialog.getByRole("button", { name: "Change" }).click();
    };
    await change("wrong", "another-password");
    await dialog.getByRole("alert").waitFor();
    await change(up.password, "another-password");
    await page.getByText("The password has been changed").waitFor();
    await page.goto(`${up.url}/applications`);
    await tile("root").waitFor();
  });

  it("goes light, and fits a phone", async () => {
    await page.goto(`${up.url}/applications`);
    await tile("root").waitFor();
    const ground = (): Promise<string> => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const dark = await ground();
    await page.getByRole("button", { name: "Theme: as the system" }).click();
    expect(await ground()).not.toBe(dark);
    await shoot("applications-light");
    await page.reload();
    expect(await ground()).not.toBe(dark);
    await page.setViewportSize({ width: 390, height: 844 });
    await shoot("applications-phone");
    await tile("storefront").getByRole("link").click();
    await node("Deployment").waitFor();
    await shoot("application-phone");
    const overflow = (): Promise<number> => page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(await overflow()).toBeLessThanOrEqual(0);
  });

  it("logs out, with nothing wrong on the console all this time", async () => {
    await page.getByRole("button", { name: "Account admin" }).click();
    await page.getByRole("menuitem", { name: "Log out" }).click();
    await page.getByLabel("Password").waitFor();
    // The browser itself reports that the wrong password was refused.
    const problems = (): readonly string[] =>
      watched.problems.filter((problem) => !problem.includes("account/password"));
    expect(problems()).toEqual([]);
    await page.reload();
    await page.getByLabel("Password").waitFor();
    expect(problems()).toEqual([]);
  });
});
