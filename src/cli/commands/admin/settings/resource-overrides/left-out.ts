// What settings leave out of an object, as a diff. Shared by the commands that try ignore rules.
import { sameJson } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Tried } from "../../../../admin/settings.ts";
import type { Context } from "../../../../context.ts";
import { diffLines, painted } from "../../../../local/diffing.ts";
import { yamlText } from "../../../../view/print.ts";

export async function printLeftOut(
  context: Context,
  { object, kind, settings }: Tried,
  said: { readonly setting: string; readonly words: string; readonly left: KubernetesObject },
): Promise<void> {
  if (sameJson(object, said.left)) {
    const any = settings.resourceCustomizations.some(({ field }) => field === said.setting);
    context.out.line(
      any
        ? `No fields of this ${kind} are ignored by ${said.setting} settings`
        : `${said.words} are not configured for '${kind}'`,
    );
    return;
  }
  context.out.line("Following fields are ignored:\n");
  await printChange(context, object, said.left);
}

/** Prints the difference between two versions of an object. */
export async function printChange(context: Context, before: KubernetesObject, after: KubernetesObject): Promise<void> {
  const { name = "object" } = before.metadata;
  const lines = await diffLines([name, name], await yamlText(before), await yamlText(after));
  context.out.write(
    lines
      .filter((line) => !line.startsWith("Index: "))
      .map((line) => painted(line, context.paint))
      .join("\n"),
  );
}
