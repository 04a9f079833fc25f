// The frame: who is not logged in sees the log-in page, everybody else the page of the address.
import { useQueryClient } from "@tanstack/react-query";
import { Compass, ServerOff } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { Redirect, Route, Switch } from "wouter";
import { ApplicationsPage } from "./applications/page.tsx";
import { Button } from "./common/button.tsx";
import { Notice } from "./common/notice.tsx";
import { useShortcuts } from "./common/shortcuts.ts";
import { Toasts } from "./common/toasts.tsx";
import { TopBar } from "./common/top-bar.tsx";
import { HelpDialog } from "./dialogs/help.tsx";
import { useServices, useSession } from "./live/context.ts";
import { LoginPage } from "./session/login-page.tsx";

const ApplicationPage = lazy(async () => ({ default: (await import("./application/page.tsx")).ApplicationPage }));
const SettingsPage = lazy(async () => ({ default: (await import("./settings/page.tsx")).SettingsPage }));

export function App() {
  const session = useSession();
  const services = useServices();
  if (session.phase === "asking") return <div className="splash" aria-busy="true" />;
  if (session.phase === "failed") {
    return (
      <Notice
        icon={ServerOff}
        tone="bad"
        title="The server does not answer"
        actions={
          <Button look="primary" onClick={() => void services.session.ask()}>
            Try again
          </Button>
        }
      >
        {session.reason}
      </Notice>
    );
  }
  if (session.phase === "out") return <LoginPage expired={session.expired} />;
  return <LoggedIn username={session.username} />;
}

function LoggedIn({ username }: { readonly username: string }) {
  const { applications } = useServices();
  const queries = useQueryClient();
  const [help, setHelp] = useState(false);
  useEffect(() => {
    applications.start();
    return () => {
      applications.clear();
      queries.clear();
    };
  }, [applications, queries]);
  useShortcuts({ "?": () => setHelp(true) });
  return (
    <div className="frame">
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <TopBar username={username} onHelp={() => setHelp(true)} />
      <Switch>
        <Route path="/applications" component={ApplicationsPage} />
        <Route path="/applications/:namespace/:name">
          {({ namespace, name }) => <LazyApplication namespace={namespace} name={name} />}
        </Route>
        <Route path="/applications/:name">{({ name }) => <LazyApplication namespace="" name={name} />}</Route>
        <Route path="/settings">{() => <LazySettings part="" />}</Route>
        <Route path="/settings/:part">{({ part }) => <LazySettings part={part} />}</Route>
        <Route path="/">
          <Redirect to="/applications" replace />
        </Route>
        <Route>
          <main id="content">
            <Notice icon={Compass} title="There is nothing at this address">
              <a href="/applications">All applications</a>
            </Notice>
          </main>
        </Route>
      </Switch>
      <Toasts />
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </div>
  );
}

// The boundary stands around each page alone: around all of them it would keep the list alive, hidden, while this loads.
function LazySettings({ part }: { readonly part: string }) {
  return (
    <Suspense fallback={<main id="content" className="splash" aria-busy="true" />}>
      <SettingsPage part={part} />
    </Suspense>
  );
}

function LazyApplication({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  return (
    <Suspense fallback={<main id="content" className="splash" aria-busy="true" />}>
      <ApplicationPage key={`${namespace}/${name}`} id={{ namespace, name }} />
    </Suspense>
  );
}
