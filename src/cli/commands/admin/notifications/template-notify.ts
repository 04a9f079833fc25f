// `driftless admin notifications template notify`: sends; comes with notifications.
import { notificationFlags } from "../../../admin/flags.ts";
import { notYet } from "../../../admin/notifications.ts";
import { command } from "../../../command.ts";
import { texts } from "../../../flags.ts";

export default command({
  usage: "NAME RESOURCE_NAME",
  about: "Not there yet: it comes with notifications.",
  examples: [["To the terminal", "driftless admin notifications template notify app-sync-succeeded guestbook"]],
  flags: {
    ...notificationFlags,
    recipient: texts("Recipient, SERVICE:WHO; may be repeated", { fallback: ["console:stdout"] }),
  },
  args: { min: 2, max: 2 },
  run: () => Promise.reject(notYet("template notify")),
});
