// `driftless admin redis-initial-password`: accepted, for installation scripts call it; there is no Redis here.
import { targetFlags } from "../../admin/flags.ts";
import { command } from "../../command.ts";

export default command({
  about: "Makes nothing and reads nothing: Driftless needs no Redis. Argo CD's Secret argocd-redis is left as it is.",
  examples: [["As an installation script calls it", "driftless admin redis-initial-password -n argocd"]],
  flags: targetFlags,
  args: { min: 0, max: 0 },
  run(context) {
    context.out.line("Driftless needs no Redis: there is no password to make.");
    return Promise.resolve();
  },
});
