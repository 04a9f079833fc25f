// A real Chromium for tests of the page, driven by playwright-core. Where there is none, locally, tests that need it are
// left out with one line; with CI=true they must run. Watches every page for console errors and CSP violations.
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const flags = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** Whether tests with a browser run here; says in one line when they do not. */
export function browserIncluded(what: string): boolean {
  if (places.some((place) => existsSync(place))) return true;
  if (process.env["CI"] === "true" || process.env["CI"] === "1") return true;
  process.stderr.write(`${what} left out: no Chromium here; apt-get install chromium brings it in\n`);
  return false;
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: places.find((place) => existsSync(place)) ?? places[0]!, args: flags });
}

export interface WatchedPage {
  readonly page: Page;
  /** What went wrong so far: errors on the console, exceptions, refused by the content security policy. */
  readonly problems: readonly string[];
  close(): Promise<void>;
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, ...options });
  await context.addInitScript(`document.addEventListener("securitypolicyviolation", (event) =>
    console.error("content security policy: " + event.violatedDirective + " " + event.blockedURI))`);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => problems.push(error.message));
  return { page, problems, close: () => context.close() };
}

/** A folder for this run's screenshots; DRIFTLESS_SCREENSHOTS keeps them where it says. */
export function screenshotFolder(): string {
  return process.env["DRIFTLESS_SCREENSHOTS"] ?? mkdtempSync(join(tmpdir(), "driftless-page-"));
}
