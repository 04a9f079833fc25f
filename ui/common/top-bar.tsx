// The head of every page: the name, where one is, whether it is live, theme, help, the account.
import { CircleQuestionMark, CircleUser } from "lucide-react";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { ChangePasswordDialog } from "../dialogs/change-password.tsx";
import { useApplications, useServices } from "../live/context.ts";
import { Button } from "./button.tsx";
import { listAddress } from "./list-address.ts";
import { LiveDot } from "./live-dot.tsx";
import { Mark } from "./mark.tsx";
import { Menu } from "./menu.tsx";
import { ThemeToggle } from "./theme-toggle.tsx";

export interface TopBarProps {
  readonly username: string;
  readonly onHelp: () => void;
}

export function TopBar({ username, onHelp }: TopBarProps) {
  const { session } = useServices();
  const { stream } = useApplications();
  const [, navigate] = useLocation();
  const [changing, setChanging] = useState(false);
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
      <Menu
        icon={CircleUser}
        label={`Account ${username}`}
        word={username}
        items={[
          { word: "Account and settings", run: () => navigate("/settings") },
          { word: "Change password …", run: () => setChanging(true) },
          { word: "Log out", run: () => void session.logOut() },
        ]}
      />
      {changing && <ChangePasswordDialog username={username} onClose={() => setChanging(false)} />}
    </header>
  );
}
