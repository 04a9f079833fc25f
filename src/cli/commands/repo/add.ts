// `driftless repo add`. The server tries the repository before it keeps it.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { bool, int, later, text } from "../../flags.ts";
import { credentialFields, credentialFlags, present } from "../../repository-flags.ts";
import { repositories } from "../../services.ts";

export default command({
  usage: "REPOURL",
  examples: [
    ["By password, which is asked for", "driftless repo add https://git.example.com/deploy.git --username git"],
    ["By SSH", "driftless repo add git@git.example.com:deploy.git --ssh-private-key-path ~/.ssh/id_ed25519"],
    ["Helm charts", "driftless repo add https://charts.example.com --type helm --name charts"],
  ],
  flags: {
    ...credentialFlags,
    name: text("Name of the repository; needed for Helm"),
    project: text("Project that the repository belongs to"),
    "insecure-ignore-host-key": bool(
      "Do not verify the host's SSH key; --insecure-skip-server-verification is the same",
    ),
    "insecure-skip-server-verification": bool("Do not verify the server's certificate or host key"),
    "enable-lfs": bool("Read large files of Git LFS"),
    depth: int("How many commits of history are fetched; all unless told"),
    proxy: text("Proxy to the repository"),
    "no-proxy": text("Hosts that are reached without it"),
    "webhook-manifest-cache-warm-disabled": later(
      bool("Do not render before anybody asks", { hidden: true }),
      "nothing is rendered before anybody asks: leave it out",
    ),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const url = args[0]!;
    if (values.type === "helm" && values.name === "")
      throw new DriftlessError("INVALID_ARGUMENT", "Must specify --name for repos of type 'helm'");
    const repository = present({
      repo: url,
      ...(await credentialFields(context, url, values)),
      name: values.name,
      project: values.project,
      insecure: values["insecure-skip-server-verification"],
      insecureIgnoreHostKey: values["insecure-ignore-host-key"],
      enableLfs: values["enable-lfs"],
      depth: values.depth,
      proxy: values.proxy,
      noProxy: values["no-proxy"],
    });
    const added = await repositories.create(context.op, await context.api(), repository, values.upsert);
    context.out.line(`Repository '${added.repo ?? url}' added`);
  },
});
