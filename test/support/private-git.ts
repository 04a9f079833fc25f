// A Git server over HTTPS that asks for a name and a password, as a company has it: in front of one that asks nobody. For
// tests; it changes nothing of what it passes on.
import { createServer, type Server } from "node:https";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { selfSigned } from "#server/tls/self-signed.ts";

export interface PrivateGit {
  /** `https://127.0.0.1:PORT`; repositories are at the paths that they have behind it. */
  readonly url: string;
  /** PEM of what it is to be trusted by. */
  readonly certificate: string;
  readonly username: string;
  readonly password: string;
  close(): Promise<void>;
}

/** Takes the address of the server behind it. */
export async function startPrivateGit(behind: string): Promise<PrivateGit> {
  const [username, password] = ["ada", "a-password-of-tests"];
  const { cert, key } = await selfSigned(["127.0.0.1"], Date.now());
  const wanted = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const server: Server = createServer({ cert, key }, (incoming, outgoing) => {
    if (incoming.headers.authorization !== wanted) {
      incoming.resume();
      outgoing.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end("log in\n");
      return;
    }
    const target = new URL(incoming.url ?? "/", behind);
    const { authorization: _authorization, ...headers } = incoming.headers;
    const options = { method: incoming.method, headers: { ...headers, host: target.host } };
    const forward = request(target, options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forward.on("error", () => outgoing.destroy());
    incoming.pipe(forward);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificate: cert,
    username,
    password,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
