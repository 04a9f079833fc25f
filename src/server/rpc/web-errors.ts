// What the protocols' library says of errors otherwise than it should. A message that cannot be read is the caller's fault:
// INVALID_ARGUMENT, where the library says that it is ours. And gRPC-Web errors as response headers. A call that fails before its first message may say so in headers ("trailers only")
// or in a frame of the body; argocd's command line reads only the headers, and ends with a bare "EOF" otherwise.
// Source: gRPC-Web's protocol and Argo CD's client, pkg/apiclient/grpcproxy.go.
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";

const malformed = /^parse(?:%20| )binary(?:%3A|:)(?:%20| )/;

/** Takes a method's handler; returns one that answers a message that cannot be read as INVALID_ARGUMENT. */
export function withMalformedBlamed(handler: UniversalHandler): UniversalHandler {
  const wrapped = async (request: Parameters<UniversalHandler>[0]): Promise<UniversalServerResponse> => {
    const response = await handler(request);
    return response.trailer ? { ...response, trailer: blamed(new Headers(response.trailer)) } : response;
  };
  return Object.assign(wrapped, handler);
}

function blamed(status: Headers): Headers {
  const message = status.get("grpc-message") ?? "";
  if (malformed.test(message)) {
    status.set("grpc-status", "3");
    status.set("grpc-message", message.replace(malformed, "request:%20no%20message%20of%20its%20kind:%20"));
  }
  return status;
}

/** A frame that holds trailers, not packed. */
const trailersFlag = 0x80;
const frameHeaderBytes = 5;

/** Takes a method's handler; returns one whose gRPC-Web errors stand in the headers where no message came before. */
export function withErrorsInHeaders(handler: UniversalHandler): UniversalHandler {
  const wrapped = async (request: Parameters<UniversalHandler>[0]): Promise<UniversalServerResponse> => {
    const response = await handler(request);
    const { body } = response;
    const web = (request.header.get("content-type") ?? "").startsWith("application/grpc-web");
    if (!web || !body) return response;
    const frames = body[Symbol.asyncIterator]();
    const first = await frames.next();
    const trailers = first.done === true ? undefined : trailersOf(first.value);
    if (!trailers || (trailers.get("grpc-status") ?? "0") === "0") return { ...response, body: resumed(first, frames) };
    await frames.return?.();
    const header = new Headers(response.header);
    blamed(trailers).forEach((value, name) => header.set(name, name === "grpc-message" ? readable(value) : value));
    return { status: response.status, header };
  };
  return Object.assign(wrapped, handler);
}

/** Encoded as little as gRPC allows, as grpc-go does it: argocd shows the text as it comes. */
function readable(encoded: string): string {
  return encodeURIComponent(decodeURIComponent(encoded)).replace(/%[2-7][0-9A-F]/g, (code) =>
    code === "%25" || code === "%7F" ? code : decodeURIComponent(code),
  );
}

function trailersOf(frame: Uint8Array): Headers | undefined {
  if (frame[0] !== trailersFlag) return undefined;
  const trailers = new Headers();
  for (const line of new TextDecoder().decode(frame.subarray(frameHeaderBytes)).split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) trailers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return trailers;
}

/** What was begun, from its first item. */
async function* resumed(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
