// A commit: its short SHA, first line, author and age. Asked for once; a commit does not change.
import { useQuery } from "@tanstack/react-query";
import { GitCommitHorizontal } from "lucide-react";
import { revisionMetadata, type AppId } from "../api/applications.ts";
import { Ago } from "../common/ago.tsx";
import { authorName, firstLine, shortRevision } from "../model/text.ts";

export interface RevisionProps {
  readonly id: AppId;
  readonly revision: string;
  /** What is followed: a branch, a tag. */
  readonly target?: string;
}

export function Revision({ id, revision, target }: RevisionProps) {
  const { data } = useQuery({
    queryKey: ["revision", id.namespace, id.name, revision],
    queryFn: ({ signal }) => revisionMetadata(id, revision, signal),
    enabled: revision !== "",
    staleTime: Infinity,
  });
  return (
    <>
      <dd className="fact">
        <GitCommitHorizontal size={14} aria-hidden />
        <code title={revision}>{shortRevision(revision) || "not known yet"}</code>
        {target && <span className="faint">of {target}</span>}
        <span className="fact-grow" title={data?.message}>
          {firstLine(data?.message ?? "")}
        </span>
      </dd>
      <dd className="fact faint">
        {data && (
          <span title={data.author}>
            {authorName(data.author ?? "")}, <Ago at={data.date} />
            {data.tags && data.tags.length > 0 && ` · ${data.tags.join(", ")}`}
          </span>
        )}
      </dd>
    </>
  );
}
