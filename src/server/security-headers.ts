// The headers that every answer carries against being framed, sniffed and scripted. Pure.
// Source: Argo CD's argocd-cmd-params-cm, server.x.frame.options and server.content.security.policy.

export interface HeaderSettings {
  /** "" sends none, undefined ours. */
  readonly frameOptions: string | undefined;
  /** Directives that replace or join ours; "" sends none. */
  readonly contentSecurityPolicy: string | undefined;
}

const ours =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'";

export function securityHeaders(settings: HeaderSettings): Readonly<Record<string, string>> {
  const frames = settings.frameOptions ?? "SAMEORIGIN";
  const policy = policyWith(settings.contentSecurityPolicy);
  return {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    ...(frames === "" ? {} : { "x-frame-options": frames }),
    ...(policy === "" ? {} : { "content-security-policy": policy }),
  };
}

/** Ours with the directives that somebody set: a setting for frames must not open the page to scripts of others. */
function policyWith(set: string | undefined): string {
  if (set === "") return "";
  const directives = new Map<string, string>();
  for (const directive of `${ours}; ${set ?? ""}`.split(";")) {
    const text = directive.trim();
    if (text !== "") directives.set(text.split(/\s+/)[0]!.toLowerCase(), text);
  }
  return [...directives.values()].join("; ");
}
