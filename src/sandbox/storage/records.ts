// The on-disk record format shared by the write-ahead log and snapshots: length, CRC-32, then a header line and an
// object's JSON. Knows bytes only, nothing of Kubernetes or of when records are written.
//
//   u32 payload length (little endian) · u32 CRC-32 of the payload · payload
//   payload: `P RV RESOURCE NAMESPACE NAME\nJSON` (put) · `D RV RESOURCE NAMESPACE NAME\n` (delete) ·
//            `E RV COUNT\n` (end of a snapshot); header fields are split by tabs.
import { crc32 } from "node:zlib";

export const magic = Buffer.from("driftless-store-1\n", "latin1");
const headerBytes = 8;
/** A buffer that grew beyond it for one large object is let go. */
const maxKeptBytes = 4 * 1024 * 1024;
/** No record may be longer: a length beyond it is damage, not a record. */
const maxRecordBytes = 64 * 1024 * 1024;

export interface RecordHeader {
  readonly op: "P" | "D" | "E";
  readonly rv: number;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** Records on their way to a file, one behind the other in one piece of memory that is used again. */
export class RecordBuffer {
  private buffer = Buffer.allocUnsafeSlow(64 * 1024);
  private used = 0;

  get size(): number {
    return this.used;
  }

  /** Adds a record; returns its bytes' number. `json` is the object's text for puts, empty otherwise. */
  add(header: RecordHeader, json: string): number {
    const head = `${header.op}\t${header.rv}\t${header.resource}\t${header.namespace}\t${header.name}\n`;
    // No character takes more than three bytes for each unit of its length.
    this.reserve(headerBytes + 3 * (head.length + json.length));
    const { buffer, used: start } = this;
    const payload = start + headerBytes;
    let end = payload + buffer.write(head, payload);
    if (json.length > 0) end += buffer.write(json, end);
    buffer.writeUInt32LE(end - payload, start);
    buffer.writeUInt32LE(crc32(buffer.subarray(payload, end)), start + 4);
    this.used = end;
    return end - start;
  }

  /** What was added since `clear`; valid until the next `add` or `clear`. */
  bytes(): Buffer {
    return this.buffer.subarray(0, this.used);
  }

  clear(): void {
    this.used = 0;
    if (this.buffer.length > maxKeptBytes) this.buffer = Buffer.allocUnsafeSlow(64 * 1024);
  }

  private reserve(more: number): void {
    const wanted = this.used + more;
    if (wanted <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.buffer.length));
    this.buffer.copy(larger, 0, 0, this.used);
    this.buffer = larger;
  }
}

export interface ReadOutcome {
  /** Bytes up to the end of the last good record. */
  readonly goodBytes: number;
  /** "end": all was read. "torn": the last record is incomplete. "damaged": a bad record with more behind it. */
  readonly stopped: "end" | "torn" | "damaged";
}

/** Hands every good record to `visit`, in order, and says where and why it stopped. */
export function readRecords(buffer: Buffer, visit: (header: RecordHeader, json: string) => void): ReadOutcome {
  if (buffer.length < magic.length) return { goodBytes: 0, stopped: buffer.length === 0 ? "end" : "torn" };
  if (!buffer.subarray(0, magic.length).equals(magic)) return { goodBytes: 0, stopped: "damaged" };
  let offset = magic.length;
  while (offset < buffer.length) {
    if (offset + headerBytes > buffer.length) return { goodBytes: offset, stopped: "torn" };
    const length = buffer.readUInt32LE(offset);
    const end = offset + headerBytes + length;
    if (end > buffer.length) return { goodBytes: offset, stopped: length > maxRecordBytes ? "damaged" : "torn" };
    const payload = buffer.subarray(offset + headerBytes, end);
    if (crc32(payload) !== buffer.readUInt32LE(offset + 4)) {
      return { goodBytes: offset, stopped: end === buffer.length ? "torn" : "damaged" };
    }
    const newline = payload.indexOf(10);
    const [op = "", rv = "", resource = "", namespace = "", name = ""] = payload
      .toString("utf8", 0, newline)
      .split("\t");
    visit(
      { op: op as RecordHeader["op"], rv: Number(rv), resource, namespace, name },
      payload.toString("utf8", newline + 1),
    );
    offset = end;
  }
  return { goodBytes: offset, stopped: "end" };
}
