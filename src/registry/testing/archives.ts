// For tests: archives of charts and artifacts, honest and hostile. Not used by the product.
import { gzipSync } from "node:zlib";
import { pack, type Header } from "tar-stream";

export type ArchiveEntry = Partial<Header> & { readonly name: string; readonly content?: string | Buffer };

/** A tar of entries as they are given, whatever they are. */
export async function tarOf(entries: readonly ArchiveEntry[]): Promise<Buffer> {
  const tar = pack();
  const chunks: Buffer[] = [];
  const read = (async () => {
    for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  })();
  for (const { content, ...header } of entries) {
    const bytes = typeof content === "string" ? Buffer.from(content) : (content ?? Buffer.alloc(0));
    tar.entry({ mtime: new Date(0), ...header, size: header.type === "symlink" ? 0 : bytes.length }, bytes);
  }
  tar.finalize();
  await read;
  return Buffer.concat(chunks);
}

export async function tgzOf(files: Readonly<Record<string, string | Buffer>>, folder = ""): Promise<Buffer> {
  const entries = Object.entries(files).map(([name, content]) => ({ name: `${folder}${name}`, content }));
  return gzipSync(await tarOf(entries));
}

/** A chart's archive. `files` are beside its Chart.yaml, which is made where it is not among them. */
export function chartArchive(
  name: string,
  version: string,
  files: Readonly<Record<string, string>> = {},
): Promise<Buffer> {
  const metadata = `apiVersion: v2\nname: ${name}\nversion: ${version}\ndescription: The ${name} of tests\n`;
  return tgzOf({ "Chart.yaml": metadata, ...files }, `${name}/`);
}
