// One application: its head, what went wrong, and its tabs. Everything updates live.
import { FileX2, Trash2 } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import type { AppId } from "../api/applications.ts";
import { refreshApplication } from "../api/applications.ts";
import { useAction } from "../common/action.ts";
import { ConnectionNote } from "../common/connection-note.tsx";
import { listAddress } from "../common/list-address.ts";
import { Notice } from "../common/notice.tsx";
import { useShortcuts } from "../common/shortcuts.ts";
import { useTitle } from "../common/title.ts";
import { DeleteDialog } from "../dialogs/delete.tsx";
import { SyncDialog } from "../dialogs/sync.tsx";
import { ApplicationStore } from "../live/application.ts";
import { useLive } from "../live/context.ts";
import { resourcesOf } from "../model/tree.ts";
import { EventsView } from "../resource/events-view.tsx";
import { ApplicationSkeleton } from "./application-skeleton.tsx";
import { Conditions } from "./conditions.tsx";
import { Header } from "./header.tsx";
import { HistoryTab } from "./history-tab.tsx";
import { OperationNote } from "./operation-note.tsx";
import { ResourcesTab } from "./resources-tab.tsx";
import { SpecTab } from "./spec-tab.tsx";
import { tabs, Tabs, type Tab } from "./tabs.tsx";

export function ApplicationPage({ id }: { readonly id: AppId }) {
  const { name, namespace } = id;
  const store = useMemo(() => new ApplicationStore({ name, namespace }), [name, namespace]);
  useEffect(() => {
    store.start();
    return () => store.stop();
  }, [store]);
  const { application, nodes, deleted, stream } = useLive(store);
  const search = useSearch();
  const [path, navigate] = useLocation();
  const [dialog, setDialog] = useState<"sync" | "delete">();
  const refresh = useAction();
  const resources = useMemo(() => (application ? resourcesOf(application, nodes ?? []) : []), [application, nodes]);
  useTitle(name);

  const params = new URLSearchParams(search);
  const tab = tabs.find(({ key }) => key === params.get("tab"))?.key ?? "tree";
  const chosen = params.get("resource") ?? undefined;
  const show = (changes: Readonly<Record<string, string | undefined>>): void => {
    const next = new URLSearchParams(search);
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) next.delete(key);
      else next.set(key, value);
    }
    const text = next.toString();
    navigate(text === "" ? path : `${path}?${text}`, { replace: true });
  };
  const showTab = (wanted: Tab): void => show({ tab: wanted === "tree" ? undefined : wanted, resource: undefined });
  const doRefresh = (kind: "normal" | "hard"): void =>
    void refresh.run(async () => store.see(await refreshApplication(id, kind)), { done: "Refreshed." });
  useShortcuts({
    Escape: () => (chosen ? show({ resource: undefined }) : navigate(listAddress())),
    s: (event) => {
      event.preventDefault();
      setDialog("sync");
    },
    r: () => doRefresh("normal"),
    ...Object.fromEntries(tabs.map(({ key }, index) => [String(index + 1), () => showTab(key)])),
  });

  if (deleted || stream.phase === "gone") {
    return (
      <main id="content" className="app-page">
        <Notice
          icon={deleted ? Trash2 : FileX2}
          title={deleted ? `${name} has been deleted` : `There is no application ${name} for you`}
          actions={<Link href={listAddress()}>All applications</Link>}
        >
          {!deleted && stream.phase === "gone" && stream.reason}
        </Notice>
      </main>
    );
  }
  if (!application) {
    return (
      <main id="content" className="app-page">
        <ConnectionNote stream={stream} onRetry={() => store.start()} />
        <ApplicationSkeleton name={name} />
      </main>
    );
  }
  return (
    <main id="content" className="app-page">
      <Header
        application={application}
        id={id}
        refreshing={refresh.busy}
        onRefresh={doRefresh}
        onSync={() => setDialog("sync")}
        onDelete={() => setDialog("delete")}
      />
      <ConnectionNote stream={stream} onRetry={() => store.start()} />
      <OperationNote application={application} id={id} />
      <Conditions conditions={application.status?.conditions ?? []} />
      <Tabs tab={tab} onTab={showTab} history={application.status?.history?.length ?? 0} resources={resources.length} />
      {(tab === "tree" || tab === "list") && (
        <ResourcesTab
          key={tab}
          view={tab}
          application={application}
          id={id}
          resources={resources}
          loading={nodes === undefined}
          chosen={chosen}
          onChoose={(resource) => show({ resource })}
        />
      )}
      {tab === "history" && <HistoryTab application={application} id={id} />}
      {tab === "events" && (
        <section className="app-events" aria-label="Events of the application">
          <EventsView id={id} node={undefined} version={application.metadata.resourceVersion ?? ""} />
        </section>
      )}
      {tab === "spec" && <SpecTab application={application} id={id} onSaved={() => doRefresh("normal")} />}
      {dialog === "sync" && (
        <SyncDialog application={application} id={id} resources={resources} onClose={() => setDialog(undefined)} />
      )}
      {dialog === "delete" && <DeleteDialog id={id} onClose={() => setDialog(undefined)} />}
    </main>
  );
}
