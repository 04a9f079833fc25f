// Every method of the API, from its descriptors: whether it is answered, with the requests of test/security's table. What
// they name is not there; what is asked is only whether somebody answers.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Transport } from "@connectrpc/connect";
import { parse } from "yaml";
import { byGrpc } from "../../security/world.ts";
import { methods } from "../../support/rpc.ts";
import { repositoryRoot } from "../../support/up.ts";

/** Ends the session that the others are asked with. */
const last = "SessionService.delete";
const atOnce = 8;

/** `Service/Method` of those that answer that they come later; throws where one does not answer at all. */
export async function comingLater(transport: Transport, token: string): Promise<string[]> {
  const file = join(repositoryRoot, "test", "security", "authorisation.yaml");
  const table = parse(readFileSync(file, "utf8")) as Readonly<Record<string, { readonly request?: object }>>;
  const later: string[] = [];
  const ask = async (name: string): Promise<void> => {
    const method = methods.get(name)!;
    const { status, message } = await byGrpc({ transport }, method, table[name]?.request ?? {}, token);
    if (["UNANSWERED", "INTERNAL", "UNKNOWN"].includes(status)) throw new Error(`${name}: ${status} ${message}`);
    if (status !== "UNIMPLEMENTED") return;
    if (!message.endsWith("which this version does not have yet")) throw new Error(`${name} only says: ${message}`);
    later.push(`${method.parent.name}/${method.name}`);
  };
  const names = [...methods.keys()].filter((name) => name !== last);
  for (let index = 0; index < names.length; index += atOnce)
    await Promise.all(names.slice(index, index + atOnce).map(ask));
  await ask(last);
  return later;
}

/** Those that the documentation says of that they come later. */
export function documentedAsLater(): { readonly methods: number; readonly later: string[] } {
  const text = readFileSync(join(repositoryRoot, "docs", "compatibility.md"), "utf8");
  const section = /^## Methods that come later$([\s\S]*?)^## /m.exec(text)?.[1] ?? "";
  return {
    methods: Number(/Of the (\d+) methods/.exec(section)?.[1]),
    later: [...section.matchAll(/^\| `(\w+\/\w+)` \|/gm)].map(([, name]) => name!),
  };
}
