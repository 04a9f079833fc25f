// An application's name, how it stands, which commit that is, and what can be done.
import { ChevronDown, ChevronRight, ExternalLink, GitBranch, RefreshCw, RotateCw, Server, Trash2 } from "lucide-react";
import { Link } from "wouter";
import type { Application } from "#model/application.ts";
import { sourcesOf } from "#model/application.ts";
import type { AppId } from "../api/applications.ts";
import { Ago } from "../common/ago.tsx";
import { Button } from "../common/button.tsx";
import { listAddress } from "../common/list-address.ts";
import { Menu } from "../common/menu.tsx";
import { Status } from "../common/status.tsx";
import { rowOf } from "../model/row.ts";
import { shortRepository } from "../model/text.ts";
import { Revision } from "./revision.tsx";

export interface HeaderProps {
  readonly application: Application;
  readonly id: AppId;
  readonly refreshing: boolean;
  readonly onRefresh: (kind: "normal" | "hard") => void;
  readonly onSync: () => void;
  readonly onDelete: () => void;
}

export function Header({ application, id, refreshing, onRefresh, onSync, onDelete }: HeaderProps) {
  const row = rowOf(application);
  const { status, spec } = application;
  const urls = (status?.summary?.externalURLs ?? []).filter((url) => /^https?:/.test(url));
  const automated = spec.syncPolicy?.automated;
  return (
    <header className="app-head">
      <div className="app-title">
        <nav aria-label="Breadcrumb" className="crumbs">
          <Link href={listAddress()}>Applications</Link>
          <ChevronRight size={14} aria-hidden />
        </nav>
        <h1>{row.title}</h1>
        {row.deleting && <span className="chip chip-bad">being deleted</span>}
        <span className="chip">{row.project}</span>
        <span className="chip" title="Sync policy">
          {row.automated
            ? ["automated", automated?.prune && "prune", automated?.selfHeal && "self-heal"].filter(Boolean).join(" · ")
            : "manual sync"}
        </span>
        <span className="grow" />
        <div className="app-actions">
          {urls.slice(0, 2).map((url) => (
            <a key={url} className="button button-plain" href={url} target="_blank" rel="noreferrer noopener">
              <ExternalLink size={15} aria-hidden /> <span>Open</span>
            </a>
          ))}
          <div className="switch">
            <Button
              icon={RefreshCw}
              busy={refreshing}
              aria-keyshortcuts="r"
              title="Compare with Git and the cluster now"
              onClick={() => onRefresh("normal")}
            >
              Refresh
            </Button>
            <Menu
              label="More ways to refresh"
              icon={ChevronDown}
              items={[
                { word: "Refresh", note: "compare anew", run: () => onRefresh("normal") },
                { word: "Hard refresh", note: "render anew, without caches", run: () => onRefresh("hard") },
              ]}
            />
          </div>
          <Button icon={RotateCw} look="primary" aria-keyshortcuts="s" onClick={onSync} disabled={row.deleting}>
            Sync
          </Button>
          <Button icon={Trash2} look="danger" label="Delete the application" onClick={onDelete} />
        </div>
      </div>
      <dl className="app-facts">
        <div>
          <dt>Sync</dt>
          <dd className="big">
            <Status of="sync" value={row.sync} size={17} />
          </dd>
          <dd className="faint">
            compared <Ago at={status?.reconciledAt} />
          </dd>
        </div>
        <div>
          <dt>Health</dt>
          <dd className="big">
            <Status of="health" value={row.health} size={17} />
          </dd>
          <dd className="faint" title={row.healthMessage}>
            {row.healthMessage || (
              <>
                since <Ago at={status?.health?.lastTransitionTime} />
              </>
            )}
          </dd>
        </div>
        <div className="fact-wide">
          <dt>Revision</dt>
          <Revision id={id} revision={row.revision} target={row.target} />
        </div>
        <div className="fact-wide">
          <dt>From and to</dt>
          {sourcesOf(spec).map((source, index) => (
            <dd key={index} className="fact" title={source.repoURL}>
              <GitBranch size={13} aria-hidden />
              <span className="fact-grow">
                {shortRepository(source.repoURL)} · {source.chart ?? source.path}
              </span>
            </dd>
          ))}
          <dd className="fact">
            <Server size={13} aria-hidden />
            <span className="fact-grow">
              {row.cluster}
              {row.destination && ` / ${row.destination}`}
            </span>
          </dd>
        </div>
      </dl>
    </header>
  );
}
