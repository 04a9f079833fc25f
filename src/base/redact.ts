// User information in URLs, hidden: `https://user:password@host` is shown as `https://***@host`. The one place for it;
// errors, logs and events pass everything through here. Takes time in proportion to the text.

/** What stands in an answer where a URL has user information. */
const hidden = "***";

const schemeCharacter = /[a-z0-9+.-]/i;
/** What ends a URL's authority in a text; `?` and `#` may stand in a password that nobody encoded. */
const authorityEnd = /[\s/'"`<>]/g;

/** Replaces the user information in every URL of a text by `***`; a name alone before an ssh host is no secret and stays. */
export function redactUrls(text: string): string {
  // Errors pass through here, others' too, and must not fail for having no text.
  if (typeof text !== "string" || !text.includes("@")) return text;
  let clean = "";
  let done = 0;
  for (let at = text.indexOf("://"); at >= 0; at = text.indexOf("://", at + 3)) {
    const from = at + 3;
    if (from < done) continue;
    authorityEnd.lastIndex = from;
    const end = authorityEnd.exec(text)?.index ?? text.length;
    const sign = from + text.slice(from, end).lastIndexOf("@");
    if (sign < from || isSshName(text, at, text.slice(from, sign))) continue;
    clean += `${text.slice(done, from)}${hidden}`;
    done = sign;
  }
  return done === 0 ? text : clean + text.slice(done);
}

function isSshName(text: string, at: number, user: string): boolean {
  if (user.includes(":")) return false;
  let start = at;
  while (start > 0 && at - start < 8 && schemeCharacter.test(text[start - 1]!)) start--;
  return /^(?:git\+)?ssh$/i.test(text.slice(start, at));
}

/** Whether a URL holds user information that `redactUrls` hides. */
export function hidesUser(url: string): boolean {
  return redactUrls(url) !== url;
}

/** Whether this is what `redactUrls` makes of a URL: it says nothing of the user information, and so means that it stays. */
export function isRedacted(url: string): boolean {
  return url.includes(`://${hidden}@`);
}
