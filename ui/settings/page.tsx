// The account, and what the installation has: accounts, projects, repositories, clusters, to look at.
import { Link, useLocation } from "wouter";
import { listAddress } from "../common/list-address.ts";
import { useShortcuts } from "../common/shortcuts.ts";
import { useTitle } from "../common/title.ts";
import { AccountPart } from "./account-part.tsx";
import { ListPartView } from "./list-part.tsx";
import { accounts, clusters, projects, repositories } from "./lists.tsx";

const parts = ["account", "projects", "repositories", "clusters", "accounts"] as const;
type Part = (typeof parts)[number];

const words: Readonly<Record<Part, string>> = {
  account: "Your account",
  projects: "Projects",
  repositories: "Repositories",
  clusters: "Clusters",
  accounts: "Accounts",
};

export function SettingsPage({ part: asked }: { readonly part: string }) {
  const part = parts.find((each) => each === asked) ?? "account";
  const [, navigate] = useLocation();
  useTitle(words[part]);
  useShortcuts({ Escape: () => navigate(listAddress()) });
  return (
    <main id="content" className="settings-page">
      <h1 className="only-read">Settings</h1>
      <nav className="tabs" aria-label="Settings">
        {parts.map((each) => (
          <Link
            key={each}
            href={each === "account" ? "/settings" : `/settings/${each}`}
            aria-current={each === part ? "page" : undefined}
          >
            {words[each]}
          </Link>
        ))}
      </nav>
      {part === "account" && <AccountPart />}
      {part === "projects" && <ListPartView key={part} kind={projects} />}
      {part === "repositories" && <ListPartView key={part} kind={repositories} />}
      {part === "clusters" && <ListPartView key={part} kind={clusters} />}
      {part === "accounts" && <ListPartView key={part} kind={accounts} />}
    </main>
  );
}
