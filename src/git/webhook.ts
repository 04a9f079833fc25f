// What Git hosts send when somebody pushed: verified, and read into one shape. Takes the body's bytes as they came; knows
// no server and no application. Sources: GitHub, GitLab, Gitea, Bitbucket and Azure DevOps documentation of webhooks, Argo
// CD's "Git Webhook Configuration".
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { DriftlessError } from "#base/errors.ts";
import { isObject, listAt, stringAt } from "#base/json.ts";

export type WebhookProvider = "github" | "gitlab" | "gitea" | "gogs" | "bitbucket" | "bitbucketserver" | "azuredevops";

/** As `argocd-secret` holds them: `webhook.github.secret` and so on. */
export interface WebhookSecrets {
  readonly github?: string;
  readonly gitlab?: string;
  readonly gogs?: string;
  /** UUID of the hook. */
  readonly bitbucket?: string;
  readonly bitbucketserver?: string;
  readonly azuredevops?: { readonly username: string; readonly password: string };
}

export interface PushedChange {
  /** `refs/heads/main`; full, whatever the host sends. */
  readonly ref: string;
  readonly before?: string;
  /** Absent where the ref was deleted. */
  readonly after?: string;
  /** Where the host lists them, and lists all. */
  readonly changedFiles?: readonly string[];
}

export interface WebhookPush {
  readonly provider: WebhookProvider;
  /** Every form of the repository's address that the payload names or implies: http and ssh. */
  readonly repositoryUrls: readonly string[];
  readonly changes: readonly PushedChange[];
  readonly defaultBranch?: string;
}

export interface WebhookRequest {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
}

/** Argo CD's `webhook.maxPayloadSizeMB` is 50. */
const defaultMaxBytes = 50 << 20;

/**
 * Takes a request and the configured secrets; returns what was pushed, or undefined for an event that says nothing of a
 * push (a ping, a comment). Errors: INVALID_ARGUMENT (malformed, unknown sender), UNAUTHENTICATED (wrong or missing
 * signature), TOO_LARGE.
 */
export function parseWebhook(
  request: WebhookRequest,
  secrets: WebhookSecrets,
  options: { readonly maxBytes?: number } = {},
): WebhookPush | undefined {
  if (request.body.length > (options.maxBytes ?? defaultMaxBytes))
    throw new DriftlessError("TOO_LARGE", "the webhook's payload is too large");
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return typeof value === "string" ? value : value?.[0];
  };
  const provider = senderOf(header);
  if (!provider) throw new DriftlessError("INVALID_ARGUMENT", "unknown webhook event: no header of a known Git host");
  verify(provider, { header, body: request.body }, secrets);
  const event = eventOf(provider, header);
  if (event !== undefined && !pushEvents.has(event)) return undefined;
  const payload = payloadOf(header, request.body);
  const push = readers[provider](payload);
  if (push === undefined) return undefined;
  const repositoryUrls = [
    ...new Set(push.urls.filter((url): url is string => typeof url === "string" && url !== "" && url.length < 2048)),
  ];
  if (repositoryUrls.length === 0)
    throw new DriftlessError("INVALID_ARGUMENT", "the webhook's payload names no repository");
  const branch = push.defaultBranch;
  return { provider, repositoryUrls, changes: push.changes, ...(branch ? { defaultBranch: branch } : {}) };
}

type Header = (name: string) => string | undefined;

function senderOf(header: Header): WebhookProvider | undefined {
  // Gitea and Gogs send GitHub's headers too, for old receivers: theirs come first.
  if (header("x-gitea-event")) return "gitea";
  if (header("x-gogs-event")) return "gogs";
  if (header("x-github-event")) return "github";
  if (header("x-gitlab-event")) return "gitlab";
  if (header("x-hook-uuid")) return "bitbucket";
  if (header("x-event-key")) return "bitbucketserver";
  if (header("x-vss-activityid")) return "azuredevops";
  return undefined;
}

const eventHeaders: Readonly<Record<WebhookProvider, string | undefined>> = {
  gitea: "x-gitea-event",
  gogs: "x-gogs-event",
  github: "x-github-event",
  gitlab: "x-gitlab-event",
  bitbucket: "x-event-key",
  bitbucketserver: "x-event-key",
  azuredevops: undefined,
};

const pushEvents = new Set([
  "push",
  "create",
  "delete",
  "Push Hook",
  "Tag Push Hook",
  "System Hook",
  "repo:push",
  "repo:refs_changed",
]);

function eventOf(provider: WebhookProvider, header: Header): string | undefined {
  const name = eventHeaders[provider];
  return name === undefined ? undefined : header(name);
}

/** Compares in a time that tells nothing of where they differ, nor of their lengths. */
function same(given: string, wanted: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}

function verify(
  provider: WebhookProvider,
  request: { header: Header; body: Uint8Array },
  secrets: WebhookSecrets,
): void {
  const refuse = (): never => {
    throw new DriftlessError(
      "UNAUTHENTICATED",
      `the ${provider} webhook's signature or token does not match webhook.${provider === "gitea" ? "gogs" : provider} in argocd-secret`,
    );
  };
  const { header, body } = request;
  const hmac = (secret: string): string => createHmac("sha256", secret).update(body).digest("hex");
  const signed = (secret: string | undefined, names: readonly string[], prefix: string): void => {
    if (!secret) return;
    const given = names.map((name) => header(name)).find((value) => value !== undefined) ?? "";
    if (!same(given, prefix + hmac(secret))) refuse();
  };
  if (provider === "github") signed(secrets.github, ["x-hub-signature-256"], "sha256=");
  else if (provider === "gitea" || provider === "gogs")
    signed(secrets.gogs, ["x-gitea-signature", "x-gogs-signature"], "");
  else if (provider === "bitbucketserver") signed(secrets.bitbucketserver, ["x-hub-signature"], "sha256=");
  else if (provider === "gitlab") {
    if (secrets.gitlab && !same(header("x-gitlab-token") ?? "", secrets.gitlab)) refuse();
  } else if (provider === "bitbucket") {
    if (secrets.bitbucket && !same(header("x-hook-uuid") ?? "", secrets.bitbucket)) refuse();
  } else if (secrets.azuredevops?.username || secrets.azuredevops?.password) {
    const { username, password } = secrets.azuredevops;
    const wanted = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    if (!same(header("authorization") ?? "", wanted)) refuse();
  }
}

function payloadOf(header: Header, body: Uint8Array): unknown {
  let text = Buffer.from(body).toString("utf8");
  if (header("content-type")?.startsWith("application/x-www-form-urlencoded") === true)
    text = new URLSearchParams(text).get("payload") ?? "";
  try {
    const payload: unknown = JSON.parse(text);
    if (isObject(payload)) return payload;
  } catch {
    // told below
  }
  throw new DriftlessError("INVALID_ARGUMENT", "the webhook's payload is no JSON object");
}

interface Read {
  readonly urls: readonly (string | undefined)[];
  readonly changes: readonly PushedChange[];
  readonly defaultBranch?: string | undefined;
}

const shaOf = (value: unknown): string | undefined =>
  typeof value === "string" && /^[0-9a-f]{40,64}$/i.test(value) && !/^0+$/.test(value)
    ? value.toLowerCase()
    : undefined;

function change(ref: string, before: unknown, after: unknown, changedFiles?: readonly string[]): PushedChange {
  const [from, to] = [shaOf(before), shaOf(after)];
  return {
    ref,
    ...(from ? { before: from } : {}),
    ...(to ? { after: to } : {}),
    ...(changedFiles ? { changedFiles } : {}),
  };
}

function refOf(payload: unknown): string {
  const ref = stringAt(payload, "ref");
  // oxlint-disable-next-line no-control-regex
  if (ref === undefined || ref === "" || ref.length > 1024 || /[\s\u0000-\u001f~^:?*[\\]|\.\./.test(ref))
    throw new DriftlessError("INVALID_ARGUMENT", "the webhook's payload names no usable ref");
  return ref.startsWith("refs/") ? ref : `refs/heads/${ref}`;
}

/** The files of all commits, unless the host cut the list (GitHub and GitLab send at most 20 commits). */
function filesOf(payload: unknown, total: number | undefined): readonly string[] | undefined {
  const commits = listAt(payload, "commits");
  if (commits.length === 0 || commits.length >= 20 || (total !== undefined && total > commits.length)) return undefined;
  const files = new Set<string>();
  for (const commit of commits) {
    for (const field of ["added", "modified", "removed"]) {
      for (const file of listAt(commit, field)) if (typeof file === "string") files.add(file);
    }
  }
  return [...files];
}

function githubLike(payload: unknown): Read | undefined {
  // `create` and `delete` of GitHub come together with a push that says more.
  if (
    stringAt(payload, "ref_type") !== undefined ||
    (stringAt(payload, "zen") !== undefined && stringAt(payload, "ref") === undefined)
  )
    return undefined;
  const repository = (name: string): string | undefined => stringAt(payload, "repository", name);
  return {
    urls: [repository("clone_url"), repository("ssh_url"), repository("html_url"), repository("git_url")],
    changes: [
      change(
        refOf(payload),
        (payload as Record<string, unknown>)["before"],
        (payload as Record<string, unknown>)["after"],
        filesOf(payload, undefined),
      ),
    ],
    defaultBranch: repository("default_branch"),
  };
}

function gitlab(payload: unknown): Read | undefined {
  const kind = stringAt(payload, "object_kind") ?? stringAt(payload, "event_name");
  if (kind !== "push" && kind !== "tag_push") return undefined; // a system hook tells of much else
  const fields = payload as Record<string, unknown>;
  const project = (name: string): string | undefined => stringAt(payload, "project", name);
  const total = typeof fields["total_commits_count"] === "number" ? fields["total_commits_count"] : undefined;
  return {
    urls: [
      project("git_http_url"),
      project("git_ssh_url"),
      project("web_url"),
      stringAt(payload, "repository", "git_http_url"),
    ],
    changes: [change(refOf(payload), fields["before"], fields["after"], filesOf(payload, total))],
    defaultBranch: project("default_branch"),
  };
}

function bitbucketCloud(payload: unknown): Read | undefined {
  const html = stringAt(payload, "repository", "links", "html", "href");
  const fullName = stringAt(payload, "repository", "full_name");
  const host = html === undefined ? undefined : hostOf(html);
  const changes = listAt(payload, "push", "changes").flatMap((item): PushedChange[] => {
    const side = (which: string): { type: string | undefined; name: string | undefined; hash: unknown } => ({
      type: stringAt(item, which, "type"),
      name: stringAt(item, which, "name"),
      hash: stringAt(item, which, "target", "hash"),
    });
    const [before, after] = [side("old"), side("new")];
    const name = after.name ?? before.name;
    if (name === undefined) return [];
    const tag = (after.type ?? before.type) === "tag";
    return [change(refOf({ ref: `refs/${tag ? "tags" : "heads"}/${name}` }), before.hash, after.hash)];
  });
  return { urls: [html, ...(host && fullName ? [`git@${host}:${fullName}.git`] : [])], changes };
}

function bitbucketServer(payload: unknown): Read {
  const urls = listAt(payload, "repository", "links", "clone").map((link) => stringAt(link, "href"));
  const changes = listAt(payload, "changes").map((item) =>
    change(
      refOf({ ref: stringAt(item, "ref", "id") ?? stringAt(item, "refId") }),
      stringAt(item, "fromHash"),
      stringAt(item, "toHash"),
    ),
  );
  return { urls, changes };
}

function azure(payload: unknown): Read | undefined {
  if (stringAt(payload, "eventType") !== "git.push") return undefined;
  const remote = stringAt(payload, "resource", "repository", "remoteUrl");
  const changes = listAt(payload, "resource", "refUpdates").map((item) =>
    change(refOf({ ref: stringAt(item, "name") }), stringAt(item, "oldObjectId"), stringAt(item, "newObjectId")),
  );
  const ssh = remote === undefined ? undefined : azureSsh(remote);
  const branch = stringAt(payload, "resource", "repository", "defaultBranch")?.replace(/^refs\/heads\//, "");
  return { urls: [remote, ssh, remote?.replace(/^(https?:\/\/)[^/@]*@/, "$1")], changes, defaultBranch: branch };
}

function hostOf(url: string): string | undefined {
  return /^https?:\/\/(?:[^/@]*@)?([^/]+)/i.exec(url)?.[1];
}

/** `https://dev.azure.com/org/project/_git/repo` → `git@ssh.dev.azure.com:v3/org/project/repo`. */
function azureSsh(remote: string): string | undefined {
  const match = /^https?:\/\/(?:[^/@]*@)?dev\.azure\.com\/([^/]+)\/([^/]+)\/_git\/([^/]+)$/i.exec(remote);
  return match ? `git@ssh.dev.azure.com:v3/${match[1] ?? ""}/${match[2] ?? ""}/${match[3] ?? ""}` : undefined;
}

const readers: Readonly<Record<WebhookProvider, (payload: unknown) => Read | undefined>> = {
  github: githubLike,
  gitea: githubLike,
  gogs: githubLike,
  gitlab,
  bitbucket: bitbucketCloud,
  bitbucketserver: bitbucketServer,
  azuredevops: azure,
};
