// `driftless admin initial-password`: the password that was generated for the account admin.
import { DriftlessError } from "#base/errors.ts";
import { stringAt } from "#base/json.ts";
import { decodeBase64 } from "#model/repository.ts";
import { targetFlags } from "../../admin/flags.ts";
import { onCluster, types } from "../../admin/target.ts";
import { command } from "../../command.ts";

export default command({
  about: "Reads the Secret argocd-initial-admin-secret. To set another password: driftless account update-password.",
  examples: [["Of the installation in argocd", "driftless admin initial-password -n argocd"]],
  flags: targetFlags,
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    const password = await onCluster(context, values, async ({ client, namespace }) => {
      const name = "argocd-initial-admin-secret";
      const secret = await client.get(context.op, types.secret, { namespace, name });
      if (!secret)
        throw new DriftlessError(
          "NOT_FOUND",
          `there is no Secret ${namespace}/${name}: it is deleted once the password was changed, or stands in another namespace (--namespace)`,
        );
      return decodeBase64(stringAt(secret, "data", "password") ?? "");
    });
    if (!password) return;
    context.out.line(password);
    context.out.line(
      "\n This password must be only used for first time login. We strongly recommend you update the password using `driftless account update-password`.",
    );
  },
});
