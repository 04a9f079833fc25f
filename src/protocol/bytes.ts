// JSON as Kubernetes writes it, straight to protobuf's bytes: the same bytes as by `fromJson` and `toBinary`, without the
// messages in between. For lists of ten thousand. Whatever is unusual goes the long way, which also says what is wrong. Pure.
import { toBinary, type DescField, type DescMessage } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { isObject } from "#base/json.ts";
import { fromJson } from "./json.ts";
import { specialOf, type Special } from "./special.ts";

/** The short way ends here. */
class Unusual extends Error {}

type Write = (writer: BinaryWriter, value: unknown) => void;

interface Field {
  readonly name: string;
  readonly local: string;
  readonly required: boolean;
  readonly write: Write;
  /** Where the value is the wire's and not JSON's: a large integer, bytes. */
  readonly writeGiven: Write;
}

interface Plan {
  readonly special: Special | undefined;
  /** By their numbers. */
  readonly fields: readonly Field[];
}

// Numbers of presences in FeatureSet, and of scalar types in FieldDescriptorProto.
const [implicitPresence, requiredPresence] = [2, 3];
const [int64, int32, bool, text, bytes] = [3, 5, 8, 9, 12];

/** How each message type is written, worked out once. */
const plans = new WeakMap<DescMessage, Plan>();

/** Writes messages one after the other into the same memory. */
export class BytesWriter {
  #writer = new BinaryWriter();

  /** Takes JSON as Kubernetes writes it; returns the message's bytes. Errors: as fromJson and toBinary. */
  message(desc: DescMessage, json: unknown): Uint8Array {
    return this.#written(
      (writer) => writeMessage(writer, planOf(desc), json),
      (writer) => writer.raw(toBinary(desc, fromJson(desc, json))),
    );
  }

  /** The same with its length before it, as a field of another message. */
  delimited(desc: DescMessage, json: unknown): Uint8Array {
    return this.#written(
      (writer) => {
        writeMessage(writer.fork(), planOf(desc), json);
        writer.join();
      },
      (writer) => writer.bytes(toBinary(desc, fromJson(desc, json))),
    );
  }

  #written(short: (writer: BinaryWriter) => void, long: (writer: BinaryWriter) => void): Uint8Array {
    try {
      short(this.#writer);
    } catch (thrown) {
      this.#writer = new BinaryWriter();
      if (!(thrown instanceof Unusual)) throw thrown;
      long(this.#writer);
    }
    return this.#writer.finish();
  }
}

function planOf(desc: DescMessage): Plan {
  let plan = plans.get(desc);
  if (!plan) {
    const fields: Field[] = [];
    plans.set(desc, (plan = { special: specialOf(desc.typeName), fields }));
    for (const field of desc.fields.toSorted((a, b) => a.number - b.number))
      fields.push({
        name: field.name,
        local: field.localName,
        required: presenceOf(field) === requiredPresence,
        write: writerOf(field),
        writeGiven: givenOf(field),
      });
  }
  return plan;
}

function writeMessage(writer: BinaryWriter, { special, fields }: Plan, json: unknown): void {
  let source = json;
  if (special) {
    const given = special.fromJson(json, (problem) => new Unusual(problem));
    if (given !== "plain") return writeGiven(writer, fields, given);
    if (special.unflatten && isObject(json)) source = special.unflatten(json);
  }
  if (!isObject(source)) throw new Unusual("no object");
  for (const { name, required, write } of fields) {
    const value = source[name];
    if (value !== undefined && value !== null) write(writer, value);
    else if (required) throw new Unusual(name);
  }
}

/** A special message's fields, which are values of the wire already: by their local names. */
function writeGiven(writer: BinaryWriter, fields: readonly Field[], given: Readonly<Record<string, unknown>>): void {
  for (const { local, write, writeGiven: writeWire } of fields) {
    const value = given[local];
    if (value === undefined) continue;
    if (typeof value === "bigint" || value instanceof Uint8Array) writeWire(writer, value);
    else write(writer, value);
  }
}

function writerOf(field: DescField): Write {
  // Names that every object has would be found where they are not.
  if (field.oneof || field.name in {}) return refuse;
  switch (field.fieldKind) {
    case "scalar":
      return singleOf(field.number, field.scalar, presenceOf(field) === implicitPresence);
    case "message":
      return messageOf(field.number, field.message, field.delimitedEncoding);
    case "enum":
      return singleOf(field.number, int32, presenceOf(field) === implicitPresence);
    case "list":
      return listOf(field);
    case "map":
      return mapOf(field);
  }
}

function presenceOf({ presence }: DescField): number {
  return presence;
}

function refuse(): void {
  throw new Unusual("not written the short way");
}

function singleOf(number: number, scalar: number, implicit: boolean): Write {
  const tag = tagOf(number, scalar === text ? WireType.LengthDelimited : WireType.Varint);
  const write = scalarOf(scalar);
  return (writer, value) => {
    if (implicit && (value === "" || value === 0 || value === false || value === "0")) return refuse();
    write(writer.uint32(tag), value);
  };
}

function messageOf(number: number, desc: DescMessage, group: boolean): Write {
  if (group) return refuse;
  const tag = tagOf(number, WireType.LengthDelimited);
  const plan = planOf(desc);
  return (writer, value) => {
    writeMessage(writer.uint32(tag).fork(), plan, value);
    writer.join();
  };
}

function givenOf(field: DescField): Write {
  if (field.fieldKind !== "scalar" || presenceOf(field) === implicitPresence) return refuse;
  const { number } = field;
  const scalar: number = field.scalar;
  if (scalar === int64) return (writer, value) => void writer.tag(number, WireType.Varint).int64(value as bigint);
  if (scalar === bytes)
    return (writer, value) => void writer.tag(number, WireType.LengthDelimited).bytes(value as Uint8Array);
  return refuse;
}

function listOf(field: DescField & { fieldKind: "list" }): Write {
  if (field.packed || field.listKind === "enum") return refuse;
  const each = field.message
    ? messageOf(field.number, field.message, field.delimitedEncoding === true)
    : singleOf(field.number, field.scalar, false);
  return (writer, value) => {
    if (!Array.isArray(value)) throw new Unusual("no list");
    for (const item of value) each(writer, item);
  };
}

function mapOf(field: DescField & { fieldKind: "map" }): Write {
  const mapKey: number = field.mapKey;
  if (mapKey !== text || field.mapKind === "enum") return refuse;
  const tag = tagOf(field.number, WireType.LengthDelimited);
  const writeKey = singleOf(1, text, false);
  const writeValue = field.message ? messageOf(2, field.message, false) : singleOf(2, field.scalar, false);
  return (writer, value) => {
    if (!isObject(value)) throw new Unusual("no object");
    for (const key of Object.keys(value)) {
      if (!key.isWellFormed()) throw new Unusual(key);
      writer.uint32(tag).fork();
      writeKey(writer, key);
      writeValue(writer, value[key]);
      writer.join();
    }
  };
}

/** A value without its tag; what is not plainly of the type is left to the long way. */
function scalarOf(type: number): Write {
  switch (type) {
    case int64:
      return (writer, value) => {
        if (!Number.isSafeInteger(value)) throw new Unusual("no integer");
        writer.int64(value as number);
      };
    case int32:
      return (writer, value) => {
        if (typeof value !== "number" || (value | 0) !== value) throw new Unusual("no integer of 32 bits");
        writer.int32(value | 0);
      };
    case bool:
      return (writer, value) => {
        if (typeof value !== "boolean") throw new Unusual("neither true nor false");
        writer.bool(value);
      };
    case text:
      return (writer, value) => {
        if (typeof value !== "string") throw new Unusual("no text");
        // Half a character becomes the same replacement in UTF-8 as by toWellFormed.
        writer.string(value);
      };
    default:
      return refuse;
  }
}

function tagOf(number: number, type: WireType): number {
  return ((number << 3) | type) >>> 0;
}
