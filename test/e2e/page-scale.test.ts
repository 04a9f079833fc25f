// The page with ten thousand applications: how long a keystroke takes, how much is drawn, how it stands a lost server.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserIncluded, launchBrowser, openPage } from "../support/browser.ts";
import { buildPage } from "../support/build-page.ts";
import { startSyntheticServer, type SyntheticServer } from "../support/synthetic-server.ts";

const included = browserIncluded("The page with 10,000 applications: 7 tests");
const count = 10_000;
const keystrokeLimitMs = 100;
const elementLimit = 2500;
const firstViewLimitMs = 1500;
const heapLimitMiB = 40;

/** Runs in the page: the time from each input event until its outcome is painted. */
const measureKeystrokes = `
  window.keystrokeTimes = [];
  document.addEventListener("input", (event) => {
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => keystrokeTimes.push(performance.now() - event.timeStamp);
      channel.port2.postMessage(0);
    });
  }, true);`;
const elementCount = "document.querySelectorAll('*').length";
const focused = "document.activeElement.textContent";

describe.skipIf(!included)("the page with 10,000 applications", () => {
  let server: SyntheticServer;
  let browser: Browser;

  beforeAll(async () => {
    await buildPage();
    [server, browser] = await Promise.all([startSyntheticServer(count), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  it("shows the first of them soon, and holds little in memory after going through all", async () => {
    const watched = await openPage(browser);
    const { page, problems } = watched;
    // What a browser has kept of the page before: its files.
    await page.goto(`${server.url}/nothing`);
    const session = await page.context().newCDPSession(page);
    const begun = performance.now();
    await page.goto(`${server.url}/applications?view=table`);
    await page.locator("[data-app]").first().waitFor();
    const firstViewMs = performance.now() - begun;
    const scroller = page.locator(".scroller");
    const height = await scroller.evaluate((element) => element.scrollHeight);
    for (let at = 0; at < height; at += height / 40) {
      await scroller.evaluate((element, top) => element.scrollTo({ top }), at);
      await expect.poll(() => page.locator("[data-app]").count()).toBeGreaterThan(10);
    }
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    const heapMiB = usedSize / 2 ** 20;
    process.stderr.write(`first view after ${firstViewMs.toFixed(0)} ms; ${heapMiB.toFixed(1)} MiB after scrolling\n`);
    expect(firstViewMs).toBeLessThan(firstViewLimitMs);
    expect(heapMiB).toBeLessThan(heapLimitMiB);
    expect(problems).toEqual([]);
    await watched.close();
  });

  it("sorts, filters and counts all of them, and keeps that in the address", async () => {
    const watched = await openPage(browser);
    const { page } = watched;
    await page.goto(`${server.url}/applications?view=table&sort=name:desc`);
    await page.getByText("10,000 applications").waitFor();
    await expect.poll(() => page.locator("[data-app]").first().textContent()).toMatch(/^stock-/);
    const filters = page.getByRole("complementary", { name: "Filters" });
    await filters.getByText("project-3", { exact: true }).click();
    await page.getByText("400 applications match").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("nowhere to be found");
    await page.getByText("No application matches").waitFor();
    await expect.poll(() => page.url()).toMatch(/q=nowhere\+to\+be\+found&project=project-3&sort=name%3Adesc/);
    await page.getByRole("button", { name: "Clear all filters" }).click();
    await page.getByText("10,000 applications").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("a");
    await page.getByText("10,000 selected").waitFor();
    await watched.close();
  });

  it("follows a change that is in sight", async () => {
    const watched = await openPage(browser);
    const { page } = watched;
    await page.goto(`${server.url}/applications?view=table&q=billing-image-00002`);
    await page.locator('[data-live="live"]').waitFor();
    const sync = page.locator(".col-sync [data-status]").first();
    const before = await sync.getAttribute("data-status");
    await expect
      .poll(
        () => {
          server.change(2);
          return sync.getAttribute("data-status");
        },
        { interval: 1500, timeout: 12_000 },
      )
      .not.toBe(before);
    await watched.close();
  });

  it.each(["tiles", "table"])("filters within %s as fast as one types, while applications change", async (view) => {
    const watched = await openPage(browser);
    const { page, problems } = watched;
    await page.goto(`${server.url}/applications?view=${view}`);
    await page.getByText("10,000 applications").waitFor();
    const changing = setInterval(() => server.change(Math.floor(Math.random() * count)), 20);
    await page.evaluate(measureKeystrokes);
    await page.keyboard.press("/");
    for (const key of "billing-mail-0") await page.keyboard.press(key);
    for (let i = 0; i < 8; i++) await page.keyboard.press("Backspace");
    await expect.poll(() => page.evaluate("keystrokeTimes.length")).toBe(22);
    clearInterval(changing);
    const times = (await page.evaluate<number[]>("keystrokeTimes")).sort((a, b) => a - b);
    const median = times[Math.floor(times.length / 2)]!;
    const elements = await page.evaluate<number>(elementCount);
    process.stderr.write(
      `${view}: keystroke to paint, median ${median.toFixed(0)} ms, slowest ${times.at(-1)!.toFixed(0)} ms; ${elements} elements\n`,
    );
    expect(median).toBeLessThan(keystrokeLimitMs);
    expect(elements).toBeLessThan(elementLimit);
    expect(problems).toEqual([]);
    await watched.close();
  });

  it("reaches the last one by one key, and draws only what is in sight", async () => {
    const watched = await openPage(browser);
    const { page } = watched;
    await page.goto(`${server.url}/applications?view=table`);
    await page.getByText("10,000 applications").waitFor();
    await page.keyboard.press("End");
    await page.keyboard.press("End");
    await expect.poll(() => page.evaluate(focused)).toMatch(/^stock-/);
    expect(await page.locator("[data-app]").count()).toBeLessThan(80);
    await watched.close();
  });

  it("says that the server is lost, and is live again by itself when it is back", async () => {
    const watched = await openPage(browser);
    const { page } = watched;
    await page.goto(`${server.url}/applications`);
    await page.locator('[data-live="live"]').waitFor();
    server.down(true);
    server.drop();
    await page.locator('[data-live="waiting"]').waitFor();
    await page.getByRole("alert").getByText("Connection lost").waitFor();
    expect(await page.locator("[data-app]").count()).toBeGreaterThan(0);
    server.down(false);
    await page.locator('[data-live="live"]').waitFor({ timeout: 30_000 });
    await watched.close();
  });
});
