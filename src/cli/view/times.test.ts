import { expect, test } from "vitest";
import { humanTime, localTime, timeOrNever } from "./times.ts";

const then = Date.UTC(2026, 0, 2, 15, 4, 5) / 1000;

test.each([
  [0, "2026-01-02T15:04:05Z"],
  [60, "2026-01-02T16:04:05+01:00"],
  [-210, "2026-01-02T11:34:05-03:30"],
  [345, "2026-01-02T20:49:05+05:45"],
])("a time in a zone %i minutes off", (offset, text) => {
  expect(localTime(then, offset)).toBe(text);
});

test.each([
  [0, "now"],
  [1, "1 second ago"],
  [59, "59 seconds ago"],
  [119, "1 minute ago"],
  [2 * 3600, "2 hours ago"],
  [6 * 86_400, "6 days ago"],
  [8 * 86_400, "1 week ago"],
  [60 * 86_400, "2 months ago"],
  [362 * 86_400, "1 year ago"],
  [-3 * 86_400, "3 days from now"],
])("%i seconds later", (later, text) => {
  expect(humanTime(then, (then + later) * 1000)).toBe(`${localTime(then)} (${text})`);
});

test("no end", () => {
  expect(timeOrNever(0)).toBe("Never");
});
