import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration, parseSecondsOrDuration } from "./duration.ts";

test.each([
  ["0", 0],
  ["0s", 0],
  ["120s", 120_000],
  ["3m", 180_000],
  ["1h30m", 5_400_000],
  ["1.5h", 5_400_000],
  ["250ms", 250],
  ["-2m", -120_000],
  ["+1s", 1_000],
  [".5s", 500],
  ["1m0.5s", 60_500],
  [" 5s ", 5_000],
  ["1us", 0.001],
  ["", undefined],
  ["5", undefined],
  ["s", undefined],
  ["1d", undefined],
  ["1h 30m", undefined],
  ["1h30", undefined],
  ["soon", undefined],
  ["-", undefined],
])("parses %j", (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

test.each([
  [0, "0s"],
  [1_500, "1.5s"],
  [250, "250ms"],
  [180_000, "3m0s"],
  [5_400_000, "1h30m0s"],
  [-1_000, "-1s"],
  [0.5, "500µs"],
  [0.0005, "500ns"],
])("writes %d", (ms, expected) => {
  expect(formatDuration(ms)).toBe(expected);
});

test("what is written is read back", () => {
  const text = fc.property(fc.integer({ min: -1e9, max: 1e9 }), (ms) => {
    expect(parseDuration(formatDuration(ms))).toBeCloseTo(ms, 6);
  });
  fc.assert(text);
});

test("a bare number is seconds, where that is allowed", () => {
  expect(parseSecondsOrDuration("90")).toBe(90_000);
  expect(parseSecondsOrDuration("90s")).toBe(90_000);
  expect(parseSecondsOrDuration("x")).toBeUndefined();
});
