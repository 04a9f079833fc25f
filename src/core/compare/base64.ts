// Base64 of text (RFC 4648), in pure code.

const encoder = new TextEncoder();

/** The base64 of a text's UTF-8. */
export function base64(text: string): string {
  let binary = "";
  for (const byte of encoder.encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}
