import { describe, expect, it } from "vitest";
import { imagesOf } from "./images.ts";

describe("imagesOf", () => {
  it("reads workloads, jobs' templates and pods, each image once", () => {
    const spec = { initContainers: [{ image: "init:1" }], containers: [{ image: "web:1" }, { image: "web:1" }] };
    expect(imagesOf({ kind: "Deployment", spec: { template: { spec } } })).toEqual(["init:1", "web:1"]);
    expect(imagesOf({ kind: "CronJob", spec: { jobTemplate: { spec: { template: { spec } } } } })).toEqual([
      "init:1",
      "web:1",
    ]);
    expect(imagesOf({ kind: "Pod", spec })).toEqual(["init:1", "web:1"]);
    expect(imagesOf({ kind: "Service", spec: { ports: [] } })).toEqual([]);
  });

  it("is not led astray by malformed specs", () => {
    expect(imagesOf({ kind: "Pod", spec: "x" })).toEqual([]);
    expect(imagesOf({ kind: "Pod", spec: { containers: { image: "x" } } })).toEqual([]);
  });
});
