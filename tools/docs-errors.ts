// Writes docs/errors.md from the catalogue in src/base/errors.ts: npm run docs:errors. A test keeps them equal.
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { catalogue, DriftlessError, type ErrorCode, type ErrorEntry } from "../src/base/errors.ts";
import { exitCodeOf } from "../src/main/exit.ts";

export const errorsFile = new URL("../docs/errors.md", import.meta.url);

const head = `# Errors

<!-- Made by tools/docs-errors.ts from src/base/errors.ts; do not edit. -->

Every error that leaves a module has one of these codes. The API answers with its HTTP status and a body
\`{"code": N, "message": "…", "error": "…"}\`, where N is the number of its gRPC status. Where an error concerns one
application, the application shows it as a condition of the type given here. *Retried* means that Driftless tries the
same again by itself, with growing pauses; the others wait for a change.

\`driftless up\` ends with the exit code given at *exit*, or 1. The command line's other commands end with 20, as argocd's do.
`;

/** The whole text of docs/errors.md. */
export function errorsText(): string {
  const codes = Object.entries(catalogue as Record<string, ErrorEntry>);
  const rows = codes.map(([code, entry]) => {
    const exit = exitCodeOf(new DriftlessError(code as ErrorCode, ""));
    const facts = [
      `HTTP ${entry.http}`,
      `gRPC ${entry.grpc}`,
      ...(entry.condition ? [`condition \`${entry.condition}\``] : []),
      ...(entry.retryable ? ["retried"] : []),
      ...(exit === 1 ? [] : [`exit ${exit}`]),
    ];
    return `\n## ${code}\n\n${entry.means} ${entry.hint}\n\n${facts.join(" · ")}\n`;
  });
  return head + rows.join("");
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(errorsFile, errorsText());
}
