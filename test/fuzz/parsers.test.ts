// Everything that reads what people and machines write: arbitrary text, damaged text of its own kind, and one piece of it
// again and again. It is read or refused with an error that says so; never anything else, and never for long.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";
import { DriftlessError, type ErrorCode } from "#base/errors.ts";
import { applyJsonPatch } from "#core/merge/json-patch.ts";
import { applyMergePatch } from "#core/merge/merge-patch.ts";
import { parseDependsOn } from "#core/depend/parse.ts";
import { globAny } from "#core/policy/glob.ts";
import { validateProject } from "#core/policy/validate-project.ts";
import { parseWindows, windowState } from "#core/policy/windows.ts";
import { parseLsRemote } from "#git/refs.ts";
import { parseSigned } from "#git/signed-object.ts";
import { parseAllowedSigners, parseSshSignature, sshSignatureHolds } from "#git/ssh-signature.ts";
import { checkUrl, hostAndPath, normalizeUrl, redact, splitCredentials } from "#git/urls.ts";
import { parseWebhook } from "#git/webhook.ts";
import { connectionFromKubeconfig } from "#kube/credentials.ts";
import type { AppProject } from "#model/application.ts";
import { parseDuration } from "#model/duration.ts";
import { parseSelector } from "#model/selector.ts";
import { parseSettings } from "#model/settings.ts";
import { bestVersion, parseConstraint, parseVersion } from "#model/versions.ts";
import { parseSecondsOrDuration } from "#model/duration.ts";
import { createManifestParser } from "#render/yaml.ts";
import { systemClock, systemRandom } from "#runtime/system.ts";
import { fieldsOf } from "#server/application/listing/fields.ts";
import { filterOf, pageOf } from "#server/application/listing/listing-query.ts";
import { readPolicy } from "#server/auth/rbac.ts";
import { certificatesOf, listed, withHostKey, withoutHostKeys } from "#server/certificate/certificates.ts";
import { readJson } from "#server/bodies.ts";
import { securityHeaders } from "#server/security-headers.ts";
import { damaged, hostileText, runs } from "../support/fuzz.ts";

interface Parser {
  /** Texts that it reads. */
  readonly good: readonly string[];
  read(text: string): unknown;
  /** How long its longest text is, where a person alone writes it; 20,000 characters otherwise. */
  readonly longest?: number;
  /** The codes of its refusals. */
  readonly refuses?: readonly ErrorCode[];
}

const sha = "a".repeat(40);
const project = (spec: object): AppProject => ({ metadata: { name: "web" }, spec }) as unknown as AppProject;
const yamlObject = (text: string): object => {
  try {
    const value: unknown = parseYaml(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
};
const texts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");
const sshKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0T6UxZ3pZbTq0b8Y5ZJmO8XyK1m5mJr9wYt2G0f1aB";
const manifests = createManifestParser();

const parsers: Readonly<Record<string, Parser>> = {
  "JSON bodies": { good: ['{"a":[1,2.5,"x",null,true]}'], read: readJson, refuses: ["INVALID_ARGUMENT"] },
  "label selectors": {
    good: ["a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2"],
    read: (text) => parseSelector(text).matches({ a: "b", l: "2" }),
    refuses: ["INVALID_ARGUMENT"],
  },
  "masks of fields": {
    good: ["items.metadata.name,items.spec,-a", "-items.status"],
    read: (text) => fieldsOf(text)?.({ items: [{ metadata: { name: "a" } }], a: { b: 1 } }),
  },
  "parameters of lists": {
    good: ["WyJhIiw1XQ", "name", "10", "true"],
    read: (text) => [
      pageOf({ continue: text }),
      pageOf({ sortBy: text }),
      pageOf({ limit: text, offset: text }),
      pageOf({ counts: text }),
      filterOf({ selector: text, name: text }, { search: text, repo: text, cluster: text }, normalizeUrl),
    ],
    refuses: ["INVALID_ARGUMENT"],
  },
  "RBAC policies": {
    good: ["p, role:a, applications, *, */*, allow\ng, b, role:a\n# c\np, role:a, logs, get, x/y, deny"],
    read: readPolicy,
    refuses: ["CONFIG_INVALID", "INVALID_ARGUMENT"],
  },
  globs: {
    good: ["*", "a-{b,c}[d-e]?", "https://x/**", "!a"],
    read: (text) => [globAny([text], "a-be1"), globAny([text], "https://x/y", "/"), globAny(["*a*b*c*"], text)],
  },
  projects: {
    good: [
      "sourceRepos: ['*', '!https://a/*']\ndestinations: [{server: '*', namespace: a}]\nroles: [{name: a, policies: ['p, proj:web:a, applications, get, web/*, allow'], groups: [b]}]\nsyncWindows: [{kind: allow, schedule: '0 22 * * *', duration: 1h, applications: ['*']}]\nsourceNamespaces: [/a.*/]\ndestinationServiceAccounts: [{server: a, namespace: b, defaultServiceAccount: c}]",
    ],
    // What definitions hold is of the right types; a list of something else is refused before.
    read: (text) => {
      const spec = yamlObject(text) as Record<string, unknown>;
      const lists = ["sourceRepos", "sourceNamespaces"].every((name) => spec[name] === undefined || texts(spec[name]));
      const objects = ["destinations", "roles", "syncWindows", "destinationServiceAccounts"].every(
        (name) =>
          spec[name] === undefined ||
          (Array.isArray(spec[name]) &&
            spec[name].every((item) => typeof item === "object" && item !== null && !Array.isArray(item))),
      );
      const roles = (spec["roles"] ?? []) as readonly Record<string, unknown>[];
      const strings =
        objects &&
        roles.every(
          ({ name, policies = [], groups = [] }) => typeof name === "string" && texts(policies) && texts(groups),
        ) &&
        [spec["destinations"] ?? [], spec["destinationServiceAccounts"] ?? []]
          .flat()
          .every((item) => Object.values(item).every((value) => typeof value === "string"));
      return lists && strings ? validateProject(project(spec)) : undefined;
    },
  },
  "sync windows": {
    good: ["kind: allow\nschedule: '0 22 * * 1-5'\nduration: 1h30m\ntimeZone: Europe/Berlin\napplications: ['*']"],
    read: (text) => parseWindows([yamlObject(text), text]).windows.map((window) => windowState(window, 1.7e12)),
  },
  schedules: {
    good: ["0 22 * * *", "*/5 0-6,8 1 JAN MON", "@daily", "59 23 31 12 7"],
    read: (schedule) =>
      parseWindows([{ kind: "deny", schedule, duration: "1h", applications: ["*"] }]).windows.map((window) =>
        windowState(window, 1.7e12),
      ),
  },
  durations: {
    good: ["1h30m", "90s", "1.5h", "-2m", "0", "100ms"],
    read: (text) => [parseDuration(text), parseSecondsOrDuration(text)],
  },
  versions: {
    good: ["v1.2.3-rc.1+build", ">=1.2 <2 || ~3", "1.x", "^0.1"],
    read: (text) => [parseVersion(text), parseConstraint(text), bestVersion(text, ["1.2.3", text])],
  },
  "addresses of repositories": {
    good: ["https://u:p@host:443/a/b.git", "git@host:a/b.git", "ssh://git@host:22/a", "file:///a", "oci://a/b"],
    read: (text) => {
      normalizeUrl(text);
      hostAndPath(text);
      splitCredentials(text);
      redact(text, [text.slice(2, 5)]);
      checkUrl(text);
    },
    refuses: ["SPEC_INVALID"],
  },
  "answers of ls-remote": {
    good: [`${sha}\tHEAD\n${sha}\trefs/heads/main\nref: refs/heads/main\tHEAD`],
    read: parseLsRemote,
  },
  "signed commits": {
    good: [
      `tree ${sha}\nparent ${sha}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n\ntext\n`,
    ],
    read: (text) => [parseSigned(sha, "commit", Buffer.from(text)), parseSigned(sha, "tag", Buffer.from(text))],
  },
  "SSH signatures": {
    good: [
      "-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgJ0T6UxZ3\n-----END SSH SIGNATURE-----",
    ],
    read: (text) => {
      // A signature that cannot be read is one that does not hold: whoever checks it takes every error for that.
      try {
        sshSignatureHolds(parseSshSignature(text), Buffer.from(text));
      } catch (thrown) {
        if (thrown instanceof RangeError || thrown instanceof ReferenceError) throw thrown;
      }
    },
  },
  "allowed signers": {
    good: [`a@b.example,*@c namespaces="git",valid-after="20200101" ${sshKey} comment\n# x`],
    read: parseAllowedSigners,
  },
  "known hosts": {
    good: [`github.com ${sshKey}\n[host]:22 ${sshKey}\n|1|abc=|def= ${sshKey}\n@revoked a ${sshKey}`],
    read: (text) => {
      listed(text, { "a.example": text }, {});
      withoutHostKeys(text, { hostNamePattern: text.slice(0, 100) });
      for (const serverName of ["a.example", text]) {
        const data = Buffer.from(text).toString("base64");
        eachOrRefused(
          () => withHostKey(text, { serverName, certSubType: "ssh-ed25519", certData: text }, true),
          () => withHostKey(text, { serverName, certSubType: text, certData: data }, true),
          () => certificatesOf(text, { serverName, certData: data }, true),
        );
      }
    },
    refuses: ["INVALID_ARGUMENT"],
  },
  kubeconfigs: {
    good: [
      "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://a', certificate-authority-data: QUFB}}]\nusers: [{name: u, user: {token: t, exec: {command: x, args: [y], apiVersion: client.authentication.k8s.io/v1}}}]",
    ],
    read: (text) => connectionFromKubeconfig({ text }, { clock: systemClock, random: systemRandom, userAgent: "t" }),
    refuses: ["CONFIG_INVALID"],
  },
  settings: {
    good: ["- apiGroups: ['*']\n  kinds: [Event]", "true", "10s", "jsonPointers: [/spec]", "a, b", "{}"],
    longest: 2000,
    read: (text) => {
      const keys = [
        "resource.exclusions",
        "accounts.a",
        "resource.customizations.ignoreDifferences.all",
        "resource.customizations",
        "timeout.reconciliation",
        "globalProjects",
        "resource.compareoptions",
        "passwordPattern",
        "url",
        "kustomize.buildOptions.v1.2.3",
        "installationID",
      ];
      const params = [
        "controller.self.heal.backoff.factor",
        "reposerver.oci.manifest.max.extracted.size",
        "server.x.frame.options",
        "application.namespaces",
      ];
      const of = (names: readonly string[]): Record<string, string> =>
        Object.fromEntries(names.map((name) => [name, text]));
      securityHeaders(parseSettings(of(keys), of(params)).settings);
    },
  },
  "annotations of dependencies": { good: ["a, ns/b; app in (x),y=z"], read: (text) => parseDependsOn(text, "argocd") },
  manifests: {
    good: [
      "apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\na: &x [1]\nb: *x\n",
      '{"apiVersion":"v1","kind":"List","items":[]}',
    ],
    longest: 1000,
    read: (text) =>
      eachOrRefused(
        () => manifests.yaml(text, "a.yaml"),
        () => manifests.json(text, "a.json"),
      ),
    refuses: ["MANIFEST_INVALID"],
  },
  "JSON patches": {
    good: [
      '[{"op":"add","path":"/a/-","value":1},{"op":"move","from":"/a","path":"/b"},{"op":"test","path":"/c~0~1","value":{}}]',
      '{"a":{"b":null}}',
    ],
    read: (text) => {
      const patch = readJson(text) as never;
      applyMergePatch({ a: { b: 1 } }, patch);
      if (Array.isArray(patch)) applyJsonPatch({ a: [1], "c~/": {} }, patch);
    },
    refuses: ["INVALID_ARGUMENT"],
  },
  ...webhooks(),
};

/** The endpoint is open to anybody: every sender's payload and form, with and without a secret. */
function webhooks(): Record<string, Parser> {
  const repository = {
    clone_url: "https://host/o/r.git",
    ssh_url: "git@host:o/r.git",
    full_name: "o/r",
    default_branch: "main",
    remoteUrl: "https://dev.azure.com/o/p/_git/r",
    links: { html: { href: "https://host/o/r" }, clone: [{ href: "https://host/o/r.git" }] },
  };
  const commits = [{ added: ["a"], modified: ["b"], removed: [] }];
  const push = { ref: "refs/heads/main", before: sha, after: sha, repository, commits };
  const side = { type: "branch", name: "main", target: { hash: sha } };
  const senders: Readonly<Record<string, readonly [headers: Record<string, string>, payload: object]>> = {
    GitHub: [{ "x-github-event": "push" }, push],
    "GitHub, a form": [{ "x-github-event": "push", "content-type": "application/x-www-form-urlencoded" }, push],
    Gogs: [{ "x-gogs-event": "push" }, push],
    Gitea: [{ "x-gitea-event": "push" }, push],
    GitLab: [
      { "x-gitlab-event": "Push Hook" },
      { object_kind: "push", ...push, project: { git_http_url: "https://host/o/r.git" } },
    ],
    Bitbucket: [
      { "x-hook-uuid": "a", "x-event-key": "repo:push" },
      { push: { changes: [{ old: side, new: side }] }, repository },
    ],
    "Bitbucket Server": [
      { "x-event-key": "repo:refs_changed" },
      { changes: [{ ref: { id: "refs/heads/main" }, fromHash: sha, toHash: sha }], repository },
    ],
    "Azure DevOps": [
      { "x-vss-activityid": "a" },
      {
        eventType: "git.push",
        resource: { repository, refUpdates: [{ name: "refs/heads/main", oldObjectId: sha, newObjectId: sha }] },
      },
    ],
  };
  return Object.fromEntries(
    Object.entries(senders).map(([name, [headers, payload]]) => {
      const text = JSON.stringify(payload);
      const form = headers["content-type"] !== undefined;
      const read = (body: string): unknown => [
        parseWebhook({ headers, body: Buffer.from(body) }, {}),
        parseWebhook(
          { headers: { ...headers, [body.slice(0, 20)]: body }, body: Buffer.from(body) },
          { github: "s", gitlab: "s" },
        ),
      ];
      const good = [form ? `payload=${encodeURIComponent(text)}` : text];
      return [`webhooks of ${name}`, { good, read, refuses: ["INVALID_ARGUMENT", "UNAUTHENTICATED", "TOO_LARGE"] }];
    }),
  );
}

/** Does one after the other; throws the last refusal, and anything else at once. */
function eachOrRefused(...works: readonly (() => unknown)[]): void {
  let refusal: DriftlessError | undefined;
  for (const work of works) {
    try {
      work();
    } catch (thrown) {
      if (!(thrown instanceof DriftlessError)) throw thrown;
      refusal = thrown;
    }
  }
  if (refusal) throw refusal;
}

/** A second's work that is meant, on a machine that does much else. */
const longestMs = 8000;

function readsOrRefuses(parser: Parser, text: string): void {
  const { refuses = [] } = parser;
  const start = performance.now();
  try {
    parser.read(text);
  } catch (thrown) {
    if (!(thrown instanceof DriftlessError && refuses.includes(thrown.code))) throw thrown;
  }
  const tookMs = performance.now() - start;
  if (tookMs > longestMs) throw new Error(`it took ${Math.round(tookMs)} ms`);
}

describe.each(Object.entries(parsers))("%s", (_name, parser) => {
  it("reads what is good", () => {
    for (const text of parser.good) expect(() => readsOrRefuses(parser, text)).not.toThrow();
  });

  it("reads or refuses anything", { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(hostileText(), (text) => readsOrRefuses(parser, text)),
      runs(150),
    );
  });

  it("reads or refuses what was good until something happened to it", { timeout: 600_000 }, () => {
    const bytes = fc.constantFrom(...parser.good).map((text) => Buffer.from(text));
    fc.assert(
      fc.property(damaged(bytes), (text) => readsOrRefuses(parser, Buffer.from(text).toString())),
      runs(400),
    );
  });

  it("reads or refuses a piece of it again and again, in a moment", { timeout: 600_000 }, () => {
    const piece = fc
      .constantFrom(...parser.good)
      .chain((text) =>
        fc
          .tuple(fc.nat({ max: text.length - 1 }), fc.integer({ min: 1, max: 8 }), fc.nat({ max: text.length }))
          .map(
            ([from, length, head]) =>
              text.slice(0, head) +
              text.slice(from, from + length).repeat((parser.longest ?? 20_000) / length) +
              text.slice(head),
          ),
      );
    fc.assert(
      fc.property(piece, (text) => readsOrRefuses(parser, text)),
      { ...runs(12), endOnFailure: true },
    );
  });
});
