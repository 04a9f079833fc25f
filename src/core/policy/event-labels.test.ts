import { expect, it } from "vitest";
import { eventLabels } from "./event-labels.ts";

const of = { object: { team: "web", "app.kubernetes.io/name": "shop" }, project: { team: "all", cost: "42" } };

it.for([
  [[], [], {}],
  [["team"], [], { team: "web" }],
  [["*"], ["app.*"], { team: "web", cost: "42" }],
  [["co*", "team"], ["team"], { cost: "42" }],
] as const)("carries over what is included %j and not excluded %j", ([include, exclude, expected]) => {
  expect(eventLabels(of, { include, exclude })).toEqual(expected);
});
