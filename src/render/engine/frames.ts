// Frames of the engine's protocol: two little-endian 32-bit lengths (of all that follows, of the header), the header as
// JSON, then bytes. Mirrors engine/frames.go; both sides compare `protocolVersion` in the engine's first frame. Pure.
import { DriftlessError } from "#base/errors.ts";

export const protocolVersion = 1;
const maxFrameBytes = 512 << 20;

/** What the engine says about an error: its kind decides the code that people see. */
export interface EngineFailure {
  readonly kind: string;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export type FromEngine =
  | {
      readonly t: "hello";
      readonly protocol: number;
      readonly engine: string;
      readonly locks?: Readonly<Record<string, boolean>>;
    }
  | {
      readonly t: "ask";
      readonly id: number;
      readonly call: number;
      readonly ask: "open" | "list" | "tree" | "remote";
      readonly path?: string;
    }
  | { readonly t: "result"; readonly id: number }
  | { readonly t: "error"; readonly id: number; readonly error: EngineFailure };

export interface FileEntry {
  readonly p: string;
  /** Whether it is a directory. */
  readonly d?: boolean;
  /** Bytes of it in the frame's body. */
  readonly s?: number;
}

export interface RequestLimits {
  readonly outputBytes?: number;
  readonly files?: number;
  readonly fileBytes?: number;
}

/** The answer to a question for a file. `failed` is a fault of ours or of Git, `refused` one of the source. */
export interface FileAnswer {
  readonly found: "file" | "directory" | "absent" | "refused" | "failed";
  readonly path?: string;
  readonly message?: string;
  readonly entries?: readonly FileEntry[];
  readonly body?: readonly Uint8Array[];
}

export type ToEngine =
  | {
      readonly t: "request";
      readonly id: number;
      readonly kind: string;
      readonly params: unknown;
      readonly limits?: RequestLimits;
    }
  | { readonly t: "cancel"; readonly id: number }
  | ({ readonly t: "file"; readonly id: number; readonly call: number } & Omit<FileAnswer, "body">);

/** The buffers of one frame, to be written one after the other. */
export function encodeFrame(message: ToEngine, body: readonly Uint8Array[] = []): Uint8Array[] {
  const header = Buffer.from(JSON.stringify(message), "utf8");
  const bodyBytes = body.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.allocUnsafe(8);
  head.writeUInt32LE(4 + header.length + bodyBytes, 0);
  head.writeUInt32LE(header.length, 4);
  return [head, header, ...body];
}

/** Takes chunks as they come; calls back with each whole frame. Error: INTERNAL where the stream makes no sense. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private bytes = 0;
  private wanted = 8;
  private readonly onFrame: (message: FromEngine, body: Buffer) => void;

  constructor(onFrame: (message: FromEngine, body: Buffer) => void) {
    this.onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    while (this.bytes >= this.wanted) {
      const all = this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks, this.bytes);
      const total = all.readUInt32LE(0);
      const header = all.readUInt32LE(4);
      if (total < 4 || total > maxFrameBytes || header > total - 4)
        throw new DriftlessError("INTERNAL", "a frame of the engine makes no sense");
      if (all.length < total + 4) {
        this.chunks = [all];
        this.wanted = total + 4;
        return;
      }
      const message = JSON.parse(all.toString("utf8", 8, 8 + header)) as FromEngine;
      const body = all.subarray(8 + header, 4 + total);
      const rest = all.subarray(4 + total);
      this.chunks = rest.length > 0 ? [rest] : [];
      this.bytes = rest.length;
      this.wanted = 8;
      this.onFrame(message, body);
    }
  }
}
