// An OCI registry over HTTP: tags, manifests and blobs of one repository, digests verified, tokens fetched as the registry
// asks. Source: the OCI Distribution Specification, and the "Token Authentication Specification" of the distribution project.
import { DriftlessError } from "#base/errors.ts";
import { isObject, stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { refusedAnswer } from "./failures.ts";
import { shown, type HttpAnswer, type HttpClient } from "./http.ts";
import { digestOf } from "./store.ts";
import type { RegistryAccess } from "./types.ts";

export interface OciDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface OciManifest {
  readonly digest: string;
  readonly config?: OciDescriptor;
  readonly layers: readonly OciDescriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

export interface OciOptions {
  readonly access: RegistryAccess;
  readonly http: HttpClient;
  readonly clock: Clock;
}

const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
const maxManifestBytes = 4 << 20;
const maxTagPages = 200;

/** The registry's origin and the repository's name. Error: SPEC_INVALID. */
export function ociPlace(access: RegistryAccess): { readonly origin: string; readonly name: string } {
  const bare = access.url
    .trim()
    .replace(/^(?:oci|https?):\/\//i, "")
    .replace(/^[^/@]*@/, "")
    .replace(/\/+$/, "");
  const slash = bare.indexOf("/");
  const [host, name] = slash < 0 ? [bare, ""] : [bare.slice(0, slash), bare.slice(slash + 1)];
  const plain = access.forceHttp === true || /^http:\/\//i.test(access.url);
  const origin = `${plain ? "http" : "https"}://${host === "docker.io" ? "registry-1.docker.io" : host}`;
  if (host === "" || !URL.canParse(origin) || new URL(origin).pathname !== "/")
    throw new DriftlessError("SPEC_INVALID", `${shown(access.url)} names no registry`, {
      details: { field: "repoURL" },
    });
  // Names are lower case by the specification; many write them as the web page shows them.
  const clean = name.toLowerCase();
  if (!/^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/.test(clean))
    throw new DriftlessError(
      "SPEC_INVALID",
      `${shown(access.url)}: ${JSON.stringify(name)} is no name of an OCI repository`,
      {
        details: { field: "repoURL" },
      },
    );
  return { origin, name: clean };
}

/** What stands for `+` of a version in a tag, which may not hold it. */
export const tagOfVersion = (version: string): string => version.replaceAll("+", "_");
export const versionOfTag = (tag: string): string => tag.replaceAll("_", "+");

export class OciClient {
  private readonly options: OciOptions;
  private readonly origin: string;
  readonly name: string;
  private authorization: { readonly header: string; readonly until: number } | undefined;

  constructor(options: OciOptions) {
    this.options = options;
    ({ origin: this.origin, name: this.name } = ociPlace(options.access));
  }

  get url(): string {
    return `oci://${this.origin.replace(/^https?:\/\//, "")}/${this.name}`;
  }

  /** Every tag. Errors: REPOSITORY_UNREACHABLE. */
  async tags(op: Operation): Promise<readonly string[]> {
    const tags: string[] = [];
    let path: string | undefined = `/v2/${this.name}/tags/list?n=1000`;
    for (let page = 0; path !== undefined; page++) {
      if (page >= maxTagPages)
        throw new DriftlessError("TOO_LARGE", `${this.url} has more than ${maxTagPages} pages of tags`);
      const answer = await this.get(op, path, { accept: "application/json", maxBytes: 16 << 20 });
      if (answer.status === 404) return tags;
      const body = this.json(answer, "a list of tags");
      const list = isObject(body) ? body["tags"] : undefined;
      for (const tag of Array.isArray(list) ? list : []) if (typeof tag === "string") tags.push(tag);
      path = this.nextPage(answer, path);
    }
    return tags;
  }

  /** The digest that a tag means now; undefined where there is no such tag. */
  async digestOfTag(op: Operation, tag: string): Promise<string | undefined> {
    const head = await this.get(op, `/v2/${this.name}/manifests/${tag}`, {
      method: "HEAD",
      accept: manifestTypes.join(", "),
      maxBytes: maxManifestBytes,
    });
    if (head.status === 404) return undefined;
    const digest = head.headers["docker-content-digest"];
    if (head.status === 200 && digest !== undefined && isDigest(digest)) return digest;
    const whole = await this.manifestBytes(op, tag);
    return whole && (await digestOf(whole.body));
  }

  /** A manifest by tag or digest; an index that names one manifest stands for it. Undefined where there is none. */
  async manifest(op: Operation, reference: string, depth = 0): Promise<OciManifest | undefined> {
    const answer = await this.manifestBytes(op, reference);
    if (!answer) return undefined;
    const digest = await digestOf(answer.body);
    const said = isDigest(reference) ? reference : answer.headers["docker-content-digest"];
    if (said?.startsWith("sha256:") && said !== digest)
      throw new DriftlessError(
        "ARTIFACT_INVALID",
        `${this.url}: the manifest of ${reference} has the digest ${digest}, not ${said}`,
      );
    const body = this.json(answer, "a manifest");
    if (!isObject(body)) throw this.invalid(`the manifest of ${reference} is no JSON object`);
    if (Array.isArray(body["manifests"])) {
      // Signatures and attestations stand beside what they are of.
      const own = body["manifests"].filter(
        (one) =>
          stringAt(one, "annotations", "vnd.docker.reference.type") === undefined &&
          stringAt(one, "artifactType") === undefined,
      );
      const only = own.length === 1 ? stringAt(own[0], "digest") : undefined;
      if (only === undefined || depth > 0)
        throw this.invalid(`${reference} is an index of ${own.length} manifests, not one artifact`);
      const inner = await this.manifest(op, only, depth + 1);
      return inner && { ...inner, digest };
    }
    const layers = Array.isArray(body["layers"]) ? body["layers"].map((one) => this.descriptor(one, reference)) : [];
    const annotations = isObject(body["annotations"]) ? body["annotations"] : {};
    return {
      digest,
      layers,
      ...(isObject(body["config"]) ? { config: this.descriptor(body["config"], reference) } : {}),
      annotations: Object.fromEntries(
        Object.entries(annotations).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
      ),
    };
  }

  /** A blob's bytes, whose digest and size are what the descriptor says. */
  async blob(op: Operation, { digest, size }: OciDescriptor, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
    if (size > maxBytes)
      throw new DriftlessError("TOO_LARGE", `${this.url}: the blob ${digest} has ${size} bytes, more than ${maxBytes}`);
    if (!isDigest(digest)) throw this.invalid(`${digest} is no SHA-256 digest, which alone can be checked`);
    const answer = await this.get(op, `/v2/${this.name}/blobs/${digest}`, { accept: "*/*", maxBytes });
    if (answer.status !== 200) throw this.refused(answer, `the blob ${digest}`);
    const found = await digestOf(answer.body);
    if (found !== digest) throw this.invalid(`a blob has the digest ${found}, and its manifest says ${digest}`);
    return answer.body;
  }

  private async manifestBytes(op: Operation, reference: string): Promise<HttpAnswer | undefined> {
    const answer = await this.get(op, `/v2/${this.name}/manifests/${reference}`, {
      accept: manifestTypes.join(", "),
      maxBytes: maxManifestBytes,
    });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw this.refused(answer, `the manifest of ${reference}`);
    return answer;
  }

  private invalid(why: string): DriftlessError {
    return new DriftlessError("ARTIFACT_INVALID", `${this.url}: ${why}`, { details: { repository: this.url } });
  }

  private refused(answer: HttpAnswer, wanted: string): DriftlessError {
    return refusedAnswer(answer, { ...this.options.access, url: this.url }, wanted);
  }

  private json(answer: HttpAnswer, wanted: string): unknown {
    if (answer.status !== 200) throw this.refused(answer, wanted);
    try {
      return JSON.parse(answer.body.toString("utf8")) as unknown;
    } catch {
      throw this.invalid(`answers with something that is not ${wanted}; is it an OCI registry?`);
    }
  }

  private descriptor(value: unknown, reference: string): OciDescriptor {
    const digest = stringAt(value, "digest");
    const size = isObject(value) ? value["size"] : undefined;
    if (digest === undefined || typeof size !== "number")
      throw this.invalid(`the manifest of ${reference} names a blob without digest or size`);
    return { mediaType: stringAt(value, "mediaType") ?? "", digest, size };
  }

  private nextPage(answer: HttpAnswer, path: string): string | undefined {
    const link = /<([^>]*)>\s*;\s*rel="?next"?/i.exec(answer.headers["link"] ?? "")?.[1];
    if (link === undefined || !URL.canParse(link, `${this.origin}${path}`)) return undefined;
    const next = new URL(link, `${this.origin}${path}`);
    return next.origin === new URL(this.origin).origin ? `${next.pathname}${next.search}` : undefined;
  }

  private async get(
    op: Operation,
    path: string,
    how: { readonly method?: "HEAD"; readonly accept: string; readonly maxBytes: number },
  ): Promise<HttpAnswer> {
    const send = (header: string | undefined): Promise<HttpAnswer> =>
      this.options.http.send(op, {
        url: `${this.origin}${path}`,
        maxBytes: how.maxBytes,
        headers: { accept: how.accept },
        ...(how.method ? { method: how.method } : {}),
        ...(header === undefined ? {} : { authorization: header }),
      });
    const { bearerToken } = this.options.access;
    if (bearerToken) return send(`Bearer ${bearerToken}`);
    const known = this.authorization;
    const usable = known !== undefined && known.until > this.options.clock.monotonic() ? known.header : undefined;
    const first = await send(usable);
    const challenge = first.headers["www-authenticate"];
    if (first.status !== 401 || challenge === undefined || !first.url.startsWith(this.origin)) return first;
    this.authorization = await this.answerTo(op, challenge);
    return this.authorization === undefined ? first : send(this.authorization.header);
  }

  /** What to send, for a challenge of the registry; undefined where there is nothing that could be sent. */
  private async answerTo(op: Operation, challenge: string): Promise<{ header: string; until: number } | undefined> {
    const { username, password } = this.options.access;
    const basic =
      username || password
        ? `Basic ${Buffer.from(`${username ?? ""}:${password ?? ""}`).toString("base64")}`
        : undefined;
    const bearer = /(?:^|,\s*)bearer\s+(.*)$/is.exec(challenge)?.[1];
    if (bearer === undefined)
      return basic !== undefined && /(?:^|,\s*)basic\b/i.test(challenge)
        ? { header: basic, until: Number.POSITIVE_INFINITY }
        : undefined;
    const field = (name: string): string | undefined =>
      new RegExp(`(?:^|[,\\s])${name}="([^"]*)"`, "i").exec(bearer)?.[1];
    const realm = field("realm");
    if (realm === undefined || !URL.canParse(realm)) return undefined;
    const url = new URL(realm);
    const secure = url.protocol === "https:" || (url.protocol === "http:" && this.origin.startsWith("http:"));
    if (!secure) throw this.invalid(`wants a token from ${shown(realm)}, which is not encrypted`);
    const service = field("service");
    if (service !== undefined) url.searchParams.set("service", service);
    url.searchParams.set("scope", field("scope") ?? `repository:${this.name}:pull`);
    const answer = await this.options.http.send(op, {
      url: url.href,
      maxBytes: 1 << 20,
      headers: { accept: "application/json" },
      ...(basic === undefined ? {} : { authorization: basic }),
    });
    if (answer.status !== 200) throw this.refused(answer, "a token");
    const body = this.json(answer, "a token");
    const token = stringAt(body, "token") ?? stringAt(body, "access_token");
    if (!token) throw this.invalid(`${shown(realm)} gives no token`);
    const seconds = isObject(body) && typeof body["expires_in"] === "number" ? body["expires_in"] : 60;
    return {
      header: `Bearer ${token}`,
      until: this.options.clock.monotonic() + Math.max(5, Math.min(seconds, 3600) - 10) * 1000,
    };
  }
}

export function isDigest(reference: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(reference);
}
