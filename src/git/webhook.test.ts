import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { parseWebhook, type WebhookPush, type WebhookSecrets } from "./webhook.ts";

const a = "a".repeat(40);
const b = "b".repeat(40);
const none = "0".repeat(40);
const secrets: WebhookSecrets = {
  github: "gh",
  gitlab: "gl",
  gogs: "gt",
  bitbucket: "{uuid}",
  bitbucketserver: "bs",
  azuredevops: { username: "u", password: "p" },
};
const hmac = (secret: string, body: string): string => createHmac("sha256", secret).update(body).digest("hex");

interface Case {
  readonly payload: unknown;
  readonly headers: (body: string) => Record<string, string>;
  readonly expected: Omit<WebhookPush, "provider"> & { provider: string };
}

const commits = [
  { added: ["new.yaml"], modified: ["m.yaml"], removed: [] },
  { added: [], modified: ["m.yaml"], removed: ["old.yaml"] },
];
const githubRepository = {
  clone_url: "https://github.com/o/r.git",
  ssh_url: "git@github.com:o/r.git",
  html_url: "https://github.com/o/r",
  default_branch: "main",
};
const githubUrls = ["https://github.com/o/r.git", "git@github.com:o/r.git", "https://github.com/o/r"];
const cases: Record<string, Case> = {
  GitHub: {
    payload: { ref: "refs/heads/main", before: a, after: b, repository: githubRepository, commits },
    headers: (body) => ({ "x-github-event": "push", "x-hub-signature-256": `sha256=${hmac("gh", body)}` }),
    expected: {
      provider: "github",
      repositoryUrls: githubUrls,
      changes: [{ ref: "refs/heads/main", before: a, after: b, changedFiles: ["new.yaml", "m.yaml", "old.yaml"] }],
      defaultBranch: "main",
    },
  },
  "GitHub, a deleted tag": {
    payload: { ref: "refs/tags/v1", before: a, after: none, repository: githubRepository, commits: [] },
    headers: (body) => ({ "x-github-event": "push", "x-hub-signature-256": `sha256=${hmac("gh", body)}` }),
    expected: {
      provider: "github",
      repositoryUrls: githubUrls,
      changes: [{ ref: "refs/tags/v1", before: a }],
      defaultBranch: "main",
    },
  },
  Gitea: {
    payload: {
      ref: "refs/heads/main",
      before: a,
      after: b,
      repository: { clone_url: "https://gitea/o/r.git", ssh_url: "git@gitea:o/r.git", default_branch: "main" },
    },
    headers: (body) => ({ "x-gitea-event": "push", "x-github-event": "push", "x-gitea-signature": hmac("gt", body) }),
    expected: {
      provider: "gitea",
      repositoryUrls: ["https://gitea/o/r.git", "git@gitea:o/r.git"],
      changes: [{ ref: "refs/heads/main", before: a, after: b }],
      defaultBranch: "main",
    },
  },
  GitLab: {
    payload: {
      object_kind: "push",
      ref: "refs/heads/main",
      before: a,
      after: b,
      total_commits_count: 30,
      commits,
      project: { git_http_url: "https://gitlab/o/r.git", git_ssh_url: "git@gitlab:o/r.git", default_branch: "main" },
    },
    headers: () => ({ "x-gitlab-event": "Push Hook", "x-gitlab-token": "gl" }),
    expected: {
      provider: "gitlab",
      repositoryUrls: ["https://gitlab/o/r.git", "git@gitlab:o/r.git"],
      changes: [{ ref: "refs/heads/main", before: a, after: b }],
      defaultBranch: "main",
    },
  },
  "Bitbucket Cloud": {
    payload: {
      push: {
        changes: [
          {
            old: { type: "branch", name: "main", target: { hash: a } },
            new: { type: "branch", name: "main", target: { hash: b } },
          },
          { old: null, new: { type: "tag", name: "v1", target: { hash: b } } },
        ],
      },
      repository: { full_name: "o/r", links: { html: { href: "https://bitbucket.org/o/r" } } },
    },
    headers: () => ({ "x-event-key": "repo:push", "x-hook-uuid": "{uuid}" }),
    expected: {
      provider: "bitbucket",
      repositoryUrls: ["https://bitbucket.org/o/r", "git@bitbucket.org:o/r.git"],
      changes: [
        { ref: "refs/heads/main", before: a, after: b },
        { ref: "refs/tags/v1", after: b },
      ],
    },
  },
  "Bitbucket Server": {
    payload: {
      changes: [{ ref: { id: "refs/heads/main" }, fromHash: a, toHash: b }],
      repository: { links: { clone: [{ href: "https://bb/scm/o/r.git" }, { href: "ssh://git@bb:7999/o/r.git" }] } },
    },
    headers: (body) => ({ "x-event-key": "repo:refs_changed", "x-hub-signature": `sha256=${hmac("bs", body)}` }),
    expected: {
      provider: "bitbucketserver",
      repositoryUrls: ["https://bb/scm/o/r.git", "ssh://git@bb:7999/o/r.git"],
      changes: [{ ref: "refs/heads/main", before: a, after: b }],
    },
  },
  "Azure DevOps": {
    payload: {
      eventType: "git.push",
      resource: {
        refUpdates: [{ name: "refs/heads/main", oldObjectId: a, newObjectId: b }],
        repository: { remoteUrl: "https://dev.azure.com/o/p/_git/r", defaultBranch: "refs/heads/main" },
      },
    },
    headers: () => ({ "x-vss-activityid": "1", authorization: `Basic ${Buffer.from("u:p").toString("base64")}` }),
    expected: {
      provider: "azuredevops",
      repositoryUrls: ["https://dev.azure.com/o/p/_git/r", "git@ssh.dev.azure.com:v3/o/p/r"],
      changes: [{ ref: "refs/heads/main", before: a, after: b }],
      defaultBranch: "main",
    },
  },
};

const send = (payload: unknown, headers: Record<string, string>): WebhookPush | undefined =>
  parseWebhook(
    { headers, body: Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)) },
    secrets,
  );
const code = (work: () => unknown): string => {
  try {
    work();
    return "none";
  } catch (error) {
    return error instanceof DriftlessError ? error.code : String(error);
  }
};

describe("webhooks", () => {
  it.each(Object.entries(cases))("of %s are read", (_name, { payload, headers, expected }) => {
    expect(send(payload, headers(JSON.stringify(payload)))).toEqual(expected);
  });

  it.each(Object.entries(cases))("of %s with a wrong or missing secret are refused", (_name, { payload, headers }) => {
    const right = headers(JSON.stringify(payload));
    const secretHeaders = [
      "x-hub-signature-256",
      "x-hub-signature",
      "x-gitlab-token",
      "x-gitea-signature",
      "authorization",
    ].filter((name) => right[name] !== undefined);
    for (const name of secretHeaders) {
      expect(code(() => send(payload, { ...right, [name]: "sha256=00" }))).toBe("UNAUTHENTICATED");
      const { [name]: _removed, ...without } = right;
      expect(code(() => send(payload, without))).toBe("UNAUTHENTICATED");
    }
  });

  it("of other events say nothing", () => {
    const ping = JSON.stringify({ zen: "x", repository: githubRepository });
    expect(
      send(ping, { "x-github-event": "ping", "x-hub-signature-256": `sha256=${hmac("gh", ping)}` }),
    ).toBeUndefined();
    expect(send({ object_kind: "note" }, { "x-gitlab-event": "System Hook", "x-gitlab-token": "gl" })).toBeUndefined();
  });

  it("may come as a form", () => {
    const body = `payload=${encodeURIComponent(JSON.stringify(cases["GitHub"]?.payload))}`;
    expect(
      send(body, {
        "content-type": "application/x-www-form-urlencoded",
        "x-github-event": "push",
        "x-hub-signature-256": `sha256=${hmac("gh", body)}`,
      })?.repositoryUrls,
    ).toEqual(githubUrls);
  });

  it("that are hostile are refused, not crashed on", () => {
    const bodies = [
      "",
      "[]",
      "null",
      "{",
      '{"ref":5}',
      '{"ref":"refs/heads/../x","repository":{"clone_url":"x"}}',
      '{"ref":"a b","repository":{"clone_url":"x"}}',
      '{"ref":"refs/heads/x"}',
      '{"ref":"x","repository":[],"commits":{"length":1e9}}',
      '{"ref":"--upload-pack=x y","repository":{"clone_url":"x"}}',
    ];
    for (const body of bodies)
      expect([
        body,
        code(() => send(body, { "x-github-event": "push", "x-hub-signature-256": `sha256=${hmac("gh", body)}` })),
      ]).toEqual([body, "INVALID_ARGUMENT"]);
    expect(code(() => send("{}", {}))).toBe("INVALID_ARGUMENT");
    expect(
      code(() =>
        parseWebhook({ headers: { "x-github-event": "push" }, body: Buffer.alloc(2000) }, {}, { maxBytes: 1000 }),
      ),
    ).toBe("TOO_LARGE");
  });
});

describe("a Bitbucket Cloud hook", () => {
  it("of another UUID is refused", () => {
    const { payload } = cases["Bitbucket Cloud"] as Case;
    expect(code(() => send(payload, { "x-event-key": "repo:push", "x-hook-uuid": "{other}" }))).toBe("UNAUTHENTICATED");
  });
});
