import { describe, expect, it } from "vitest";
import { eventParser } from "./event-parser.ts";

const read = (...pieces: string[]): string[] => pieces.flatMap(eventParserOf(eventParser()));
const eventParserOf = (parse: (piece: string) => readonly string[]) => (piece: string) => parse(piece);

describe("server-sent events", () => {
  it.each<[string, string[], string[]]>([
    ["one event", ["data: a\n\n"], ["a"]],
    ["several in one piece", ["data: a\n\ndata: b\n\n"], ["a", "b"]],
    ["one in several pieces", ["da", 'ta: {"x":', "1}\n", "\n"], ['{"x":1}']],
    ["comments and other fields pass", [":\n:\nevent: x\nid: 1\ndata: a\n\n"], ["a"]],
    ["several lines of data are one", ["data: a\ndata: b\n\n"], ["a\nb"]],
    ["carriage returns", ["data: a\r\n\r\n"], ["a"]],
    ["without the space", ["data:a\n\n"], ["a"]],
    ["an unfinished event is not given out", ["data: a\n\ndata: b\n"], ["a"]],
  ])("%s", (_title, pieces, expected) => expect(read(...pieces)).toEqual(expected));
});
