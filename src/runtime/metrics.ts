// Metrics in Prometheus' text form, by prom-client. One registry a process, made in src/main and passed on.
import { Counter, Gauge, Histogram, Registry } from "prom-client";

export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  histogram(
    name: string,
    help: string,
    options?: { labels?: readonly string[]; buckets?: readonly number[] },
  ): Histogram;
  /** A gauge whose values are read when it is scraped: `collect` calls `set` for each label set. */
  gauge(
    name: string,
    help: string,
    labels: readonly string[],
    collect: (set: (labels: Record<string, string>, value: number) => void) => void,
  ): void;
  /** Content type and text of a scrape. */
  scrape(): Promise<{ contentType: string; text: string }>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    counter: (name, help, labels = []) => new Counter({ name, help, labelNames: [...labels], registers }),
    histogram: (name, help, options = {}) =>
      new Histogram({
        name,
        help,
        labelNames: [...(options.labels ?? [])],
        registers,
        ...(options.buckets ? { buckets: [...options.buckets] } : {}),
      }),
    gauge(name, help, labels, collect) {
      const gauge: Gauge = new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers,
        collect: () => {
          gauge.reset();
          collect((values, value) => gauge.set(values, value));
        },
      });
    },
    scrape: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
