// `driftless admin notifications trigger run`: tells whether a trigger fires; comes with notifications.
import { notificationFlags } from "../../../admin/flags.ts";
import { notYet } from "../../../admin/notifications.ts";
import { command } from "../../../command.ts";

export default command({
  usage: "NAME RESOURCE_NAME",
  about: "Not there yet: it comes with notifications.",
  examples: [["Of one application", "driftless admin notifications trigger run on-sync-failed guestbook"]],
  flags: notificationFlags,
  args: { min: 2, max: 2 },
  run: () => Promise.reject(notYet("trigger run")),
});
