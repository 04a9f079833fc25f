// Writes install/crds/*.yaml from src/model/crds.ts: node tools/crds.ts. A test keeps them equal.
import { mkdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Document, visit } from "yaml";
import { applicationCrds } from "../src/model/crds.ts";

const folder = new URL("../install/crds/", import.meta.url);
const heading = "# Made by tools/crds.ts from src/model/crds.ts; do not edit.\n";

/** File name below install/crds and text of each CustomResourceDefinition. */
export function crdFiles(): readonly { readonly name: string; readonly text: string }[] {
  return applicationCrds().map((crd) => ({
    name: `${String(crd.metadata.name).split(".")[0]}.yaml`,
    text: heading + yamlText(crd),
  }));
}

/** YAML with what fits on a line on one line: a third as long. */
function yamlText(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Collection: (_, node) => {
      if (JSON.stringify(node).length <= 140) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false, indent: 1, indentSeq: false });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of crdFiles()) writeFileSync(new URL(name, folder), text);
}
