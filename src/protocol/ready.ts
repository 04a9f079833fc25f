// Messages whose bytes are there already: written once, sent to many. They carry their fields as unknown ones, which are
// written as they stand. Only for protobuf's binary form: as JSON such a message is empty. Pure.
import { create, type DescMessage, type Message, type UnknownField } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { BytesWriter } from "./bytes.ts";
import { fromJson } from "./json.ts";

/** Takes the message's JSON without the list in field `number`, and that list's items as `BytesWriter.delimited` gives them. */
export function readyList(
  desc: DescMessage,
  json: object,
  list: { readonly number: number; readonly items: readonly Uint8Array[] },
): Message {
  const message = fromJson(desc, json);
  message.$unknown = list.items.map((data) => ({ no: list.number, wireType: WireType.LengthDelimited, data }));
  return message;
}

/** A message that is turned into bytes here, and not for each of those whom it is sent to. */
export function readyMessage(desc: DescMessage, json: unknown): Message {
  const reader = new BinaryReader(new BytesWriter().message(desc, json));
  const fields: UnknownField[] = [];
  while (reader.pos < reader.len) {
    const [no, wireType] = reader.tag();
    fields.push({ no, wireType, data: reader.skip(wireType, no) });
  }
  const message = create(desc);
  message.$unknown = fields;
  return message;
}
