// A tar.gz of somebody's files → files in memory. The archive is not trusted: its size, its number of files and the way
// each path and link leads are checked as it is read. Nothing is written to a disk.
// Files named `.wh.NAME` say that NAME is not there, as in layers of images ("OCI Image Layer Filesystem Changeset").
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { pathSteps } from "./objects.ts";
import type { OverlayFile } from "./overlay.ts";

export interface UnpackLimits {
  /** Bytes as they come, packed; default 100 MiB, as Argo CD's `reposerver.streamed.manifest.max.tar.size`. */
  readonly packedBytes?: number;
  /** Bytes of all files together; default 256 MiB: they are held in memory. */
  readonly totalBytes?: number;
  /** Default 50,000. */
  readonly files?: number;
}

const whiteout = ".wh.";
const maxPathLength = 4096;

/**
 * Takes the bytes of a tar.gz; returns path from the root → file, null for what is said not to be there.
 * Errors: INVALID_ARGUMENT (no tar.gz, a path or link that leads out, something that is no file), TOO_LARGE, CANCELLED.
 */
export async function unpackFiles(
  op: Operation,
  packed: AsyncIterable<Uint8Array>,
  limits: UnpackLimits = {},
): Promise<Map<string, OverlayFile | null>> {
  const { packedBytes = 100 << 20, totalBytes = 256 << 20, files: maxFiles = 50_000 } = limits;
  const found = new Map<string, OverlayFile | null>();
  let total = 0;
  const reader = extract();
  const reading = (async () => {
    for await (const entry of reader) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry as AsyncIterable<Uint8Array>) {
        total += chunk.length;
        if (total > totalBytes) throw tooLarge(`unpacked, the files have more than ${totalBytes} bytes`);
        chunks.push(chunk);
      }
      take(found, entry.header, chunks);
      if (found.size > maxFiles) throw tooLarge(`the archive holds more than ${maxFiles} files`);
    }
  })();
  const writing = pipeline(bounded(packed, packedBytes), createGunzip(), reader, { signal: op.signal });
  try {
    await Promise.all([reading, writing]);
  } catch (thrown) {
    reader.destroy();
    await Promise.allSettled([reading, writing]);
    if (op.signal.aborted) throw new DriftlessError("CANCELLED", "the caller gave up", { cause: thrown });
    if (thrown instanceof DriftlessError) throw thrown;
    throw new DriftlessError("INVALID_ARGUMENT", `the files are not a tar.gz archive: ${toError(thrown).message}`, {
      cause: thrown,
    });
  }
  return found;
}

async function* bounded(packed: AsyncIterable<Uint8Array>, limit: number): AsyncIterable<Uint8Array> {
  let size = 0;
  for await (const chunk of packed) {
    size += chunk.length;
    if (size > limit) throw tooLarge(`the archive has more than ${limit} bytes`);
    yield chunk;
  }
}

function take(found: Map<string, OverlayFile | null>, header: Header, chunks: readonly Uint8Array[]): void {
  const steps = stepsOf(header.name);
  if (header.type === "directory" || steps.length === 0) return;
  const path = steps.join("/");
  const name = steps.at(-1) ?? "";
  if (header.type === "symlink") {
    const target = header.linkname ?? "";
    if (target.startsWith("/") || !pathSteps([...steps.slice(0, -1), target].join("/")))
      throw refused(`${path} is a link that leads out of the files: ${target}`);
    found.set(path, { symlink: target });
  } else if (header.type === "file" || header.type === "contiguous-file") {
    if (name.startsWith(whiteout) && name.length > whiteout.length)
      found.set([...steps.slice(0, -1), name.slice(whiteout.length)].join("/"), null);
    else found.set(path, { bytes: Buffer.concat(chunks), executable: ((header.mode ?? 0) & 0o100) !== 0 });
  } else throw refused(`${path} is neither a file nor a folder nor a symbolic link (${header.type ?? "unknown"})`);
}

function stepsOf(name: string): string[] {
  const steps =
    name.startsWith("/") || name.includes("\0") || name.length > maxPathLength ? undefined : pathSteps(name);
  if (!steps) throw refused(`the path ${JSON.stringify(name.slice(0, 200))} leads out of the files`);
  if (steps.includes(".git")) throw refused(`${name} belongs to Git itself`);
  return steps;
}

const tooLarge = (why: string): DriftlessError => new DriftlessError("TOO_LARGE", why);
const refused = (why: string): DriftlessError => new DriftlessError("INVALID_ARGUMENT", why);

/** The bytes of a body that is in memory already, for `unpackFiles`. */
export const packedBytes = (body: Uint8Array): AsyncIterable<Uint8Array> => Readable.from([body]);
