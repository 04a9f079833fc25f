// What a plugin says when it fails, made fit to be shown: bounded, on few lines, without secrets. Pure.
import { redactUrls } from "#base/redact.ts";

const maxLength = 3000;
const secretName = /pass|secret|token|credential|private|api_?key|auth/i;

/**
 * Takes what a plugin wrote and the variables that it was given. Values of variables whose name speaks of a secret,
 * credentials in URLs and authorization headers are replaced; of a long text the end stays, where the reason stands.
 */
export function tellable(text: string, environment: Readonly<Record<string, string>>): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is taken out
  let told = text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "");
  told = redactUrls(told).replaceAll(/\b(bearer|basic)\s+[\w+/=.~-]{8,}/gi, "$1 ++++++++");
  for (const [name, value] of Object.entries(environment)) {
    if (value.length >= 4 && secretName.test(name)) told = told.replaceAll(value, "++++++++");
  }
  told = told.trim();
  return told.length <= maxLength ? told : `… ${told.slice(-maxLength)}`;
}
