// The fields of a new application.
import { useId } from "react";
import type { ApplicationDraft } from "../model/draft.ts";
import type { AppRow } from "../model/row.ts";

export interface DraftFormProps {
  readonly draft: ApplicationDraft;
  readonly rows: readonly AppRow[];
  readonly onChange: (draft: ApplicationDraft) => void;
}

type TextField = "name" | "project" | "repo" | "path" | "revision" | "cluster" | "namespace";
type CheckField = "automated" | "prune" | "selfHeal" | "createNamespace" | "cascade";

const fields: readonly (readonly [TextField, string, string, boolean])[] = [
  ["name", "Name", "my-service", true],
  ["project", "Project", "default", true],
  ["repo", "Repository", "https://git.example.com/team/config.git", true],
  ["path", "Path", "apps/my-service", true],
  ["revision", "Revision: branch, tag or commit", "HEAD", false],
  ["cluster", "Cluster: name or address", "in-cluster", true],
  ["namespace", "Namespace", "my-service", false],
];

const checks: readonly (readonly [CheckField, string, string])[] = [
  ["automated", "Sync by itself", "each commit is applied without asking"],
  ["prune", "Prune", "what is removed from Git is removed from the cluster"],
  ["selfHeal", "Self-heal", "changes by hand are taken back"],
  ["createNamespace", "Create the namespace", "where it does not exist"],
  ["cascade", "Delete with resources", "deleting the application deletes what it deployed"],
];

const suggestionLimit = 50;

export function DraftForm({ draft, rows, onChange }: DraftFormProps) {
  const id = useId();
  const known: Partial<Record<TextField, readonly string[]>> = {
    project: distinct(["default", ...rows.map((row) => row.project)]),
    repo: distinct(rows.map((row) => row.repo)),
    cluster: distinct(["in-cluster", ...rows.map((row) => row.cluster)]),
    namespace: distinct(rows.map((row) => row.destination)),
  };
  return (
    <>
      <div className="columns">
        {fields.map(([field, label, placeholder, required]) => (
          <label key={field} className="field" style={field === "repo" ? { gridColumn: "1 / -1" } : undefined}>
            <span>{label}</span>
            <input
              type="text"
              name={field}
              value={draft[field]}
              placeholder={placeholder}
              required={required}
              pattern={field === "name" ? "([a-z0-9\\-]+/)?[a-z0-9]([\\-a-z0-9.]*[a-z0-9])?" : undefined}
              title={
                field === "name" ? "Small letters, digits, - and .; NAMESPACE/NAME for another namespace" : undefined
              }
              list={known[field] ? `${id}-${field}` : undefined}
              autoCapitalize="none"
              spellCheck={false}
              data-autofocus={field === "name" || undefined}
              onChange={(event) => onChange({ ...draft, [field]: event.target.value })}
            />
            {known[field] && (
              <datalist id={`${id}-${field}`}>
                {known[field].map((value) => (
                  <option key={value} value={value} />
                ))}
              </datalist>
            )}
          </label>
        ))}
      </div>
      <div className="checks">
        {checks.map(([field, label, means]) => (
          <label key={field} className="check">
            <input
              type="checkbox"
              checked={draft[field]}
              disabled={(field === "prune" || field === "selfHeal") && !draft.automated}
              onChange={(event) => onChange({ ...draft, [field]: event.target.checked })}
            />
            <span>
              {label}
              <small>{means}</small>
            </span>
          </label>
        ))}
      </div>
    </>
  );
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values.filter(Boolean))].sort().slice(0, suggestionLimit);
}
