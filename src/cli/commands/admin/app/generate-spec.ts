// `driftless admin app generate-spec`: what `app create` would create, as a file to be committed.
import { DriftlessError } from "#base/errors.ts";
import { describedApplications, describedFlags } from "../../../flags/application-flags.ts";
import { command } from "../../../command.ts";
import { generatedFlags, writeGenerated } from "../../../flags/generated.ts";

export default command({
  usage: "APPNAME",
  about: "Takes the flags of app create and asks no server. With --file they are laid over what the file holds.",
  examples: [
    [
      "A directory of manifests",
      "driftless admin app generate-spec guestbook --repo https://github.com/argoproj/argocd-example-apps.git --path guestbook --dest-namespace default --dest-server https://kubernetes.default.svc",
    ],
    ["Another revision in a file", "driftless admin app generate-spec -f web.yaml --revision v2 --inline"],
  ],
  flags: { ...describedFlags, ...generatedFlags },
  args: { min: 0, max: 1 },
  async run(context, { values, given, args }) {
    const [app, ...more] = await describedApplications(context, { values, given, args });
    if (!app || more.length > 0)
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        "failed to generate spec, more than one application is not supported",
      );
    await writeGenerated(context, app, values);
  },
});
