// Questions before something is taken away, as argocd asks them: only where prompts are enabled, by `configure` or by
// `--prompts-enabled`; else whoever typed the command meant it.
import type { Context } from "./context.ts";

/** Whether to go on. `given` are the flags that were written. Without a terminal the answer is read from the input. */
export async function agreed(context: Context, given: ReadonlySet<string>, question: string): Promise<boolean> {
  const enabled = given.has("prompts-enabled")
    ? context.global["prompts-enabled"]
    : (await context.config()).promptsEnabled;
  if (!enabled) return true;
  return saysYes(context, question);
}

/** Asks in any case; all but `y` and `yes` is a no. */
export async function saysYes(context: Context, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await answerTo(context, `${question} `));
}

/** Asks for each of several: `a` or `all` means yes to this one and those after it. */
export function askerFor(
  context: Context,
  options: { readonly skip: boolean; readonly several: boolean },
): (question: { readonly one: string; readonly many: string }) => Promise<boolean> {
  let all = options.skip || !context.out.isTerminal;
  return async ({ one, many }) => {
    if (all) return true;
    const answer = await answerTo(context, `${options.several ? many : one} `);
    if (options.several && /^a(ll)?$/i.test(answer)) return (all = true);
    return /^y(es)?$/i.test(answer);
  };
}

async function answerTo(context: Context, question: string): Promise<string> {
  if (context.input.isTerminal) return (await context.input.ask(context.op, question)).trim();
  context.err.line(question);
  return ((await context.input.readAll()).split("\n")[0] ?? "").trim();
}
