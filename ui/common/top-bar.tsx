// The head of every page: the name, where one is, whether it is live, theme, help, the account.
import { CircleQuestionMark, LogOut } from "lucide-react";
import { Link } from "wouter";
import { useApplications, useServices } from "../live/context.ts";
import { listAddress } from "./list-address.ts";
import { Button } from "./button.tsx";
import { LiveDot } from "./live-dot.tsx";
import { Mark } from "./mark.tsx";
import { ThemeToggle } from "./theme-toggle.tsx";

export interface TopBarProps {
  readonly username: string;
  readonly onHelp: () => void;
}

export function TopBar({ username, onHelp }: TopBarProps) {
  const { session } = useServices();
  const { stream } = useApplications();
  return (
    <header className="top-bar">
      <Link href={listAddress()} className="brand">
        <Mark />
        <span>Driftless</span>
      </Link>
      <span className="grow" />
      <LiveDot stream={stream} />
      <ThemeToggle />
      <Button icon={CircleQuestionMark} look="quiet" label="Help and keys" aria-keyshortcuts="?" onClick={onHelp} />
      <span className="account" title="Logged in as">
        {username}
      </span>
      <Button icon={LogOut} look="quiet" label="Log out" onClick={() => void session.logOut()} />
    </header>
  );
}
