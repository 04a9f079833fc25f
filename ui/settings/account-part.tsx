// Who is logged in, and the tokens that were made for that account.
import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { getAccount } from "../api/administration.ts";
import { messageOf } from "../api/error.ts";
import { whoAmI } from "../api/session.ts";
import { Ago } from "../common/ago.tsx";
import { Button } from "../common/button.tsx";
import { ChangePasswordDialog } from "../dialogs/change-password.tsx";
import { Fact } from "../resource/fact.tsx";

export function AccountPart() {
  const [changing, setChanging] = useState(false);
  const user = useQuery({ queryKey: ["who-am-i"], queryFn: () => whoAmI() });
  const username = user.data?.username ?? "";
  const account = useQuery({
    queryKey: ["account", username],
    queryFn: ({ signal }) => getAccount(username, signal),
    enabled: username !== "",
    retry: false,
  });
  if (user.error) return <p className="message message-bad">{messageOf(user.error)}</p>;
  if (!user.data) return <div className="skeleton" style={{ height: 120 }} aria-busy="true" />;
  const { groups = [], iss } = user.data;
  const local = iss === undefined || iss === "argocd";
  const tokens = account.data?.tokens ?? [];
  return (
    <section aria-label="Account" className="settings-account">
      <h2>Account</h2>
      <dl className="facts">
        <Fact name="Username">{username}</Fact>
        <Fact name="Logged in by">{local ? "password" : iss}</Fact>
        {groups.length > 0 && <Fact name="Groups">{groups.join(", ")}</Fact>}
        {account.data && <Fact name="May">{(account.data.capabilities ?? []).join(", ")}</Fact>}
      </dl>
      {local && (
        <Button icon={KeyRound} onClick={() => setChanging(true)}>
          Change password
        </Button>
      )}
      {tokens.length > 0 && (
        <>
          <h2>Tokens</h2>
          <ul className="plain-list">
            {tokens.map(({ id, issuedAt, expiresAt }) => (
              <li key={id}>
                <code>{id}</code>{" "}
                <span className="faint">
                  made <Ago at={timeOf(issuedAt)} />
                  {Number(expiresAt ?? 0) > 0 ? (
                    <>, until {timeOf(expiresAt).slice(0, 16).replace("T", " ")} UTC</>
                  ) : (
                    ", without an end"
                  )}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      {changing && <ChangePasswordDialog username={username} onClose={() => setChanging(false)} />}
    </section>
  );
}

function timeOf(seconds: number | string | undefined): string {
  return new Date(Number(seconds ?? 0) * 1000).toISOString();
}
