// Bodies in Kubernetes' protobuf, as kubectl's typed commands send them (create configmap, create token, auth can-i,
// drain …), turned into the JSON that they stand for. Reading only: answers are JSON, which such clients accept too.
// Follows apimachinery's protobuf serializer and the Go types' field tags (facts/protobuf.json, made by tools/).
import { badRequest } from "./status.ts";
import facts from "./facts/protobuf.json" with { type: "json" };

type Fields = Readonly<Record<string, readonly [name: string, code: string]>>;
type Mutable = Record<string, unknown>;

const kinds = facts.kinds as Readonly<Record<string, string>>;
const types = facts.types as unknown as Readonly<Record<string, Fields>>;
const magic = Buffer.from("k8s\u0000", "latin1");

export const protobufType = "application/vnd.kubernetes.protobuf";

/** One field as it stands in the bytes: a number for varints and fixed numbers, bytes for the rest. */
interface WireField {
  readonly number: number;
  readonly int: bigint;
  readonly bytes: Buffer | undefined;
  readonly double: number;
}

/** Takes a body in protobuf; returns the object that it stands for. Errors: BadRequest. */
export function parseProtobuf(body: Buffer): Mutable {
  if (!body.subarray(0, magic.length).equals(magic))
    throw badRequest("provided data does not appear to be a protobuf message");
  let apiVersion = "";
  let kind = "";
  let raw: Buffer = Buffer.alloc(0);
  for (const { number, bytes } of wireFields(body.subarray(magic.length))) {
    if (number === 2 && bytes !== undefined) raw = bytes;
    if (number !== 1 || bytes === undefined) continue;
    for (const field of wireFields(bytes)) {
      if (field.number === 1) apiVersion = field.bytes?.toString() ?? "";
      if (field.number === 2) kind = field.bytes?.toString() ?? "";
    }
  }
  const name = kinds[`${apiVersion.includes("/") ? "" : "/"}${apiVersion}/${kind}`] ?? generic[kind];
  if (name === undefined)
    throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  return { apiVersion, kind, ...message(raw, name) };
}

/** Kinds that every group has. */
const generic: Readonly<Record<string, string>> = { DeleteOptions: "metav1.DeleteOptions" };

function message(bytes: Buffer, name: string): Mutable {
  const fields = types[name] ?? {};
  const object: Mutable = {};
  for (const wire of wireFields(bytes)) {
    const field = fields[wire.number];
    if (field !== undefined) readField(object, field, wire);
  }
  return object;
}

function readField(object: Mutable, [name, flagged]: readonly [string, string], wire: WireField): void {
  const flag = flagged.startsWith("~") || flagged.startsWith("?") ? flagged.charAt(0) : "";
  const code = flagged.slice(flag.length);
  const bytes = wire.bytes ?? Buffer.alloc(0);
  if (flag === "~" && code.startsWith("=")) {
    Object.assign(object, message(bytes, code.slice(1)));
  } else if (code.startsWith("[")) {
    const list = (object[name] ??= []) as unknown[];
    list.push(...items(code.slice(1), wire));
  } else if (code.startsWith("{")) {
    const map = (object[name] ??= {}) as Mutable;
    const entry = new Map([...wireFields(bytes)].map((field) => [field.number, field]));
    map[entry.get(1)?.bytes?.toString() ?? ""] = single(code.slice(1), entry.get(2) ?? absent);
  } else {
    const value = single(code, wire);
    // Go writes every plain field, set or not; JSON leaves the unset ones out.
    if (value !== undefined && (flag === "?" || !isZero(value))) object[name] = value;
  }
}

const absent: WireField = { number: 0, int: 0n, bytes: undefined, double: 0 };

function isZero(value: unknown): boolean {
  return value === "" || value === 0 || value === false;
}

/** One item, or the many of a packed list of numbers. */
function items(code: string, wire: WireField): unknown[] {
  if ((code !== "i" && code !== "b") || wire.bytes === undefined) return [single(code, wire)];
  const found: unknown[] = [];
  for (let at = 0; at < wire.bytes.length;) {
    const [value, next] = varint(wire.bytes, at);
    found.push(single(code, { ...absent, int: value }));
    at = next;
  }
  return found;
}

function single(code: string, wire: WireField): unknown {
  const bytes = wire.bytes ?? Buffer.alloc(0);
  switch (code.charAt(0)) {
    case "s":
      return bytes.toString();
    case "i":
      return Number(BigInt.asIntN(64, wire.int));
    case "b":
      return wire.int !== 0n;
    case "y":
      return bytes.toString("base64");
    case "d":
      return wire.double;
    case "=":
      return namedMessage(bytes, code.slice(1));
    case "[":
      return items(code.slice(1), wire);
    default:
      return special(code, bytes);
  }
}

/** A named list (`type ExtraValue []string`) is a message whose items are field 1. */
function namedMessage(bytes: Buffer, name: string): unknown {
  const only = types[name]?.["1"];
  if (only === undefined || only[0] !== "" || !only[1].startsWith("[")) return message(bytes, name);
  return [...wireFields(bytes)].flatMap((field) => items(only[1].slice(1), field));
}

function special(code: string, bytes: Buffer): unknown {
  const fields = new Map([...wireFields(bytes)].map((field) => [field.number, field]));
  const int = (number: number): number => Number(BigInt.asIntN(64, fields.get(number)?.int ?? 0n));
  const text = (number: number): string => fields.get(number)?.bytes?.toString() ?? "";
  switch (code) {
    case "T":
    case "U": {
      if (fields.size === 0) return undefined;
      const iso = new Date(int(1) * 1000).toISOString().slice(0, 19);
      if (code === "T") return `${iso}Z`;
      return `${iso}.${String(Math.floor(int(2) / 1000)).padStart(6, "0")}Z`;
    }
    case "D":
      return `${int(1) / 1e9}s`;
    case "Q":
      return text(1);
    case "I":
      return int(1) === 0 ? int(2) : text(3);
    case "R":
    case "F": {
      const json = fields.get(1)?.bytes;
      return json === undefined || json.length === 0 ? undefined : (JSON.parse(json.toString()) as unknown);
    }
    default:
      return undefined;
  }
}

function* wireFields(bytes: Buffer): Generator<WireField> {
  for (let at = 0; at < bytes.length;) {
    const [tag, afterTag] = varint(bytes, at);
    const number = Number(tag >> 3n);
    at = afterTag;
    switch (Number(tag & 7n)) {
      case 0: {
        const [int, next] = varint(bytes, at);
        at = next;
        yield { number, int, bytes: undefined, double: Number(int) };
        break;
      }
      case 1:
        if (at + 8 > bytes.length) throw badRequest("unexpected EOF");
        yield { number, int: bytes.readBigUInt64LE(at), bytes: undefined, double: bytes.readDoubleLE(at) };
        at += 8;
        break;
      case 2: {
        const [length, start] = varint(bytes, at);
        const end = start + Number(length);
        if (end > bytes.length) throw badRequest("unexpected EOF");
        yield { number, int: 0n, bytes: bytes.subarray(start, end), double: 0 };
        at = end;
        break;
      }
      case 5:
        if (at + 4 > bytes.length) throw badRequest("unexpected EOF");
        yield { number, int: BigInt(bytes.readUInt32LE(at)), bytes: undefined, double: bytes.readFloatLE(at) };
        at += 4;
        break;
      default:
        throw badRequest("proto: illegal wireType");
    }
  }
}

function varint(bytes: Buffer, start: number): [value: bigint, next: number] {
  let value = 0n;
  for (let at = start, shift = 0n; at < bytes.length && shift < 70n; at++, shift += 7n) {
    const byte = bytes[at] as number;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at + 1];
  }
  throw badRequest("unexpected EOF");
}
