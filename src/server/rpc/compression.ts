// How messages are packed for gRPC and Connect clients that take it: quickly, for the library's own settings spend four
// times as long (gzip), or seconds (Brotli), on a list of ten thousand applications to save a few percent.
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";

type Compression = typeof compressionGzip;

/** Shorter messages are sent as they are: an event is sent to thousands of streams, and packing it for each costs more than it saves. */
export const compressMinBytes = 16 * 1024;

const chunkSize = 64 * 1024;
const packGzip = promisify(gzip);
const packBrotli = promisify(brotliCompress);

/** In the order of preference; the client's counts first. */
export const quickCompressions: Compression[] = [
  { ...compressionGzip, compress: (bytes) => packGzip(bytes, { level: constants.Z_BEST_SPEED, chunkSize }) },
  {
    ...compressionBrotli,
    compress: (bytes) => packBrotli(bytes, { chunkSize, params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  },
];
