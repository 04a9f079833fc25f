import { afterEach, expect, it } from "vitest";
import { silentLogger } from "#base/operation.ts";
import { createMetrics } from "#runtime/metrics.ts";
import { listenForMetrics, type MetricsListener } from "./metrics-listener.ts";

const op = { signal: new AbortController().signal, log: silentLogger };
const open: MetricsListener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close();
});

async function serve(metrics = createMetrics(), port = 0): Promise<MetricsListener> {
  const listener = await listenForMetrics(op, metrics, { host: "127.0.0.1", port });
  open.push(listener);
  return listener;
}

it("answers metrics and whether it lives, and nothing else", async () => {
  const metrics = createMetrics();
  metrics.counter("things_total", "things").inc();
  const { port } = await serve(metrics);
  const ask = (path: string, method = "GET"): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`, { method });
  const scrape = await ask("/metrics?x=y");
  expect([scrape.headers.get("content-type"), await scrape.text()]).toEqual([
    expect.stringContaining("text/plain"),
    expect.stringContaining("things_total 1"),
  ]);
  expect(await (await ask("/healthz")).text()).toBe("ok");
  for (const path of ["/", "/api/v1/applications", "/metrics/"]) expect((await ask(path)).status).toBe(404);
  expect((await ask("/metrics", "POST")).status).toBe(404);
});

it("says that its port is taken, and that metrics cannot be read", async () => {
  const { port } = await serve();
  await expect(serve(createMetrics(), port)).rejects.toMatchObject({ code: "PORT_IN_USE" });
  const broken = await serve({ ...createMetrics(), scrape: () => Promise.reject(new Error("a secret detail")) });
  const answer = await fetch(`http://127.0.0.1:${broken.port}/metrics`);
  expect([answer.status, await answer.text()]).toEqual([500, ""]);
});
