// Name and password; says so when a session ended by itself.
import { LogIn } from "lucide-react";
import { useRef, useState, type FormEvent } from "react";
import { useAction } from "../common/action.ts";
import { Button } from "../common/button.tsx";
import { Mark } from "../common/mark.tsx";
import { ThemeToggle } from "../common/theme-toggle.tsx";
import { useServices } from "../live/context.ts";

export function LoginPage({ expired }: { readonly expired: boolean }) {
  const { session } = useServices();
  const action = useAction();
  const [username, setUsername] = useState("admin");
  const [password, setPassword] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const went = await action.run(() => session.logIn(username, password), { quiet: true });
    if (!went) field.current?.select();
  };
  return (
    <main className="login">
      <div className="login-corner">
        <ThemeToggle />
      </div>
      <form className="login-card" onSubmit={(event) => void submit(event)}>
        <div className="login-brand">
          <Mark size={44} />
          <h1>Driftless</h1>
          <p className="faint">What Git says, on every cluster.</p>
        </div>
        {expired && !action.error && (
          <p className="message message-warn" role="status">
            Your session has ended. Log in again to go on where you were.
          </p>
        )}
        {action.error && (
          <p className="message message-bad" role="alert">
            {action.error}
          </p>
        )}
        <label className="field">
          <span>Username</span>
          <input
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            value={username}
            onChange={(event) => setUsername(event.target.value)}
            required
          />
        </label>
        <label className="field">
          <span>Password</span>
          <input
            ref={field}
            name="password"
            type="password"
            autoComplete="current-password"
            autoFocus
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            required
          />
        </label>
        <Button type="submit" look="primary" icon={LogIn} busy={action.busy}>
          Log in
        </Button>
        <p className="hint">
          The first password was printed where Driftless started; it is also in the Secret{" "}
          <code>argocd-initial-admin-secret</code>.
        </p>
      </form>
    </main>
  );
}
