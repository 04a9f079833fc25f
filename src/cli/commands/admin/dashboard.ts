// `driftless admin dashboard`: the page and the API on this machine, from the cluster of the kubeconfig, for whoever has the
// link. Ends with Ctrl-C.
import { DriftlessError } from "#base/errors.ts";
import { targetFlags } from "../../admin/flags.ts";
import { command } from "../../command.ts";
import { int, text } from "../../flags.ts";

export default command({
  about:
    "Needs no running server and writes nothing but what is asked for on the page. Whoever has the link may do what the kubeconfig allows. Ends with Ctrl-C.",
  examples: [
    ["On port 8080", "driftless admin dashboard -n argocd"],
    ["On any free port", "driftless admin dashboard -n argocd --port 0"],
  ],
  flags: {
    ...targetFlags,
    port: int("Port to listen on", { fallback: 8080 }),
    address: text("Address to listen on", { fallback: "localhost" }),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    if (values.port < 0 || values.port > 65_535)
      throw new DriftlessError("INVALID_ARGUMENT", `--port takes a port, not ${values.port}`);
    const host = values.address === "localhost" ? "127.0.0.1" : values.address;
    if (!/^127\.|^::1$/.test(host))
      context.err.line(`warning: ${values.address} may be reached from other machines, and nothing is encrypted`);
    const dashboard = await (await context.admin()).dashboard({ host, port: values.port });
    try {
      context.out.line(`The page is at ${dashboard.link}`);
      await new Promise<void>((resolve) => {
        if (context.op.signal.aborted) resolve();
        context.op.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      await dashboard.stop();
    }
  },
});
