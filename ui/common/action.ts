// Running something a person asked for: busy while it runs, its outcome as a toast, its error where a form wants it.
import { useCallback, useState } from "react";
import { messageOf } from "../api/error.ts";
import { useServices } from "../live/context.ts";

export interface Action {
  readonly busy: boolean;
  /** The last run's error, in words. */
  readonly error: string | undefined;
  /** Runs it; resolves with whether it went well. */
  run(work: () => Promise<unknown>, options?: { readonly done?: string; readonly quiet?: boolean }): Promise<boolean>;
}

/** With `quiet` an error is not shown as a toast: the form shows it. */
export function useAction(): Action {
  const { toasts } = useServices();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const run = useCallback<Action["run"]>(
    async (work, options = {}) => {
      setBusy(true);
      setError(undefined);
      try {
        await work();
        if (options.done) toasts.show("good", options.done);
        return true;
      } catch (thrown) {
        setError(messageOf(thrown));
        if (!options.quiet) toasts.show("bad", messageOf(thrown));
        return false;
      } finally {
        setBusy(false);
      }
    },
    [toasts],
  );
  return { busy, error, run };
}
