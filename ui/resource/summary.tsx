// A resource in short: how it stands, what it belongs to, what it made.
import type { Application } from "#model/application.ts";
import { Ago } from "../common/ago.tsx";
import { Status } from "../common/status.tsx";
import { bytesText } from "../model/text.ts";
import { healthOf, refKey, type Resource } from "../model/tree.ts";
import { Fact } from "./fact.tsx";
import { ResourceLinks } from "./resource-links.tsx";

export interface ResourceSummaryProps {
  readonly resource: Resource;
  readonly resources: readonly Resource[];
  readonly application: Application;
  readonly onChoose: (key: string) => void;
}

const childLimit = 30;

export function ResourceSummary({ resource, resources, application, onChoose }: ResourceSummaryProps) {
  const { node, status, parents } = resource;
  const health = healthOf(resource);
  const results = application.status?.operationState?.syncResult?.resources ?? [];
  const result = results.find((each) => refKey(each) === resource.key);
  const owners = resources.filter((each) => parents.includes(each.id));
  const owned = resources.filter((each) => each.parents.includes(resource.id));
  const links = (node.networkingInfo?.externalURLs ?? []).map(linkOf).filter(({ url }) => /^https?:/.test(url));
  return (
    <dl className="facts">
      {status?.status && (
        <Fact name="Sync">
          <Status of="sync" value={status.status} />
          {status.requiresPruning && <span className="faint"> not in Git any more: a sync with prune removes it</span>}
        </Fact>
      )}
      {health && (
        <Fact name="Health">
          <Status of="health" value={health} />
          {node.health?.message && <p className="faint">{node.health.message}</p>}
        </Fact>
      )}
      {result?.message && (
        <Fact name="Last sync">
          <span className={result.status === "SyncFailed" ? "tone-bad" : undefined}>{result.message}</span>
        </Fact>
      )}
      <Fact name="API version">{node.group ? `${node.group}/${node.version}` : node.version}</Fact>
      {node.createdAt && (
        <Fact name="Created">
          <Ago at={node.createdAt} />
        </Fact>
      )}
      {status?.syncWave !== undefined && <Fact name="Wave">{status.syncWave}</Fact>}
      {factsOf(node.info ?? []).map(([name, value]) => (
        <Fact key={name} name={name}>
          {value}
        </Fact>
      ))}
      {(node.images ?? []).map((image) => (
        <Fact key={image} name="Image">
          <code>{image}</code>
        </Fact>
      ))}
      {links.map(({ title, url }) => (
        <Fact key={url} name={title || "Address"}>
          <a href={url} target="_blank" rel="noreferrer noopener">
            {url}
          </a>
        </Fact>
      ))}
      {owners.length > 0 && (
        <Fact name="Owned by">
          <ResourceLinks resources={owners} onChoose={onChoose} />
        </Fact>
      )}
      {owned.length > 0 && (
        <Fact name={`Owns (${owned.length})`}>
          <ResourceLinks resources={owned.slice(0, childLimit)} onChoose={onChoose} />
          {owned.length > childLimit && <p className="faint">and {owned.length - childLimit} more</p>}
        </Fact>
      )}
      {node.uid && (
        <Fact name="UID">
          <code>{node.uid}</code>
        </Fact>
      )}
    </dl>
  );
}

/** `URL`, or `title|URL`. */
function linkOf(text: string): { readonly title: string; readonly url: string } {
  const bar = text.indexOf("|");
  return { title: text.slice(0, Math.max(0, bar)), url: text.slice(bar + 1) };
}

/** What a pod asks of its node comes in thousandths of cores and bytes. */
function factsOf(
  info: readonly { readonly name: string; readonly value: string }[],
): readonly (readonly [name: string, value: string])[] {
  return info.flatMap(({ name, value }): [string, string][] => {
    if (name !== "cpu" && name !== "memory") return [[name, value]];
    const amount = Number(value) / 1000;
    if (amount === 0) return [];
    return name === "cpu" ? [["CPU asked for", String(amount)]] : [["Memory asked for", bytesText(amount)]];
  });
}
