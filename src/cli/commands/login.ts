// `driftless login`: checks a name and password with a server, and keeps the token in a context.
import { resolve } from "node:path";
import { DriftlessError } from "#base/errors.ts";
import type { ServerEntry } from "../server/config-file.ts";
import { command } from "../command.ts";
import {
  clientOf,
  forwardedClient,
  forwardedServer,
  forwards,
  isLoopback,
  speaksNoTls,
  targetOf,
  variable,
  withoutScheme,
} from "../server/connect.ts";
import type { Context } from "../context.ts";
import { bool, int, later, text } from "../flags.ts";

const noSso = "single sign-on comes later; log in with --username and --password";
const certificateCodes =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY|CERT_|ERR_TLS_CERT|UNABLE_TO_GET_ISSUER)/;

export default command({
  usage: "SERVER",
  about: "SERVER is HOST:PORT or a URL; http:// means without TLS. The password is asked for where it is not given.",
  examples: [
    ["The server that driftless up runs", "driftless login http://localhost:8080 --username admin"],
    ["A server with TLS", "driftless login cd.example.com"],
    [
      "A server that asks for a certificate: the context remembers its files",
      "driftless login cd.example.com --client-crt ~/me.crt --client-crt-key ~/me.key",
    ],
    ["No server: straight to the cluster of the kubeconfig", "driftless login --core"],
    ["In a script", 'driftless login cd.example.com --username admin --password "$PASSWORD"'],
  ],
  flags: {
    username: text("Name of the account"),
    password: text("Password of the account"),
    name: text("Name of the context; the server's address unless told"),
    "skip-test-tls": bool("Do not try whether the server speaks TLS"),
    sso: later(bool("Log in by single sign-on"), noSso),
    "sso-launch-browser": bool("Open the browser", { fallback: true, hidden: true }),
    "sso-port": int("Port of the callback", { fallback: 8085, hidden: true }),
    callback: text("Address of the callback", { hidden: true }),
  },
  args: { min: 0, max: 1 },
  async run(context, { values, args }) {
    if (context.global.core) return rememberCore(context, values.name);
    const forwarded = forwards(context.global);
    const address = args[0] ?? (context.global.server || variable(context.env, "SERVER"));
    if (address === "" && !forwarded)
      throw new DriftlessError("INVALID_ARGUMENT", "which server? driftless login SERVER");
    const server = forwarded
      ? await reachForwarded(context)
      : values["skip-test-tls"]
        ? asWritten(context, address)
        : await reach(context, address);
    const username = values.username || (await ask(context, "Username: ", "--username"));
    const password = values.password || (await ask(context, "Password: ", "--password", true));
    const api = forwarded ? await forwardedClient(context.connect, "") : clientOf(context.connect, server, "");
    const token = await api.session.login(context.op, username, password);
    const name = values.name || server.server;
    const config = await context.config();
    config.put(name, server, { name, "auth-token": token });
    await config.save();
    context.out.line(`'${username}:login' logged in successfully`);
    context.out.line(`Context '${name}' updated`);
  },
});

/** A context that talks straight to the cluster of the kubeconfig: there is nothing to log in to. */
async function rememberCore(context: Context, name: string): Promise<void> {
  const server = "kubernetes";
  const config = await context.config();
  config.put(name || server, { server, core: true }, { name: name || server });
  await config.save();
  context.out.line(`Context '${name || server}' updated`);
}

/** Asks on the terminal. Error: INVALID_ARGUMENT where there is none, naming the flag. */
export async function ask(context: Context, question: string, flag: string, secret = false): Promise<string> {
  if (!context.input.isTerminal)
    throw new DriftlessError("INVALID_ARGUMENT", `${flag} is missing, and there is no terminal to ask on`);
  return context.input.ask(context.op, question, { secret });
}

function asWritten(context: Context, address: string): ServerEntry {
  const { global } = context;
  const root = global["grpc-web-root-path"];
  return {
    server: withoutScheme(address),
    ...(global.insecure ? { insecure: true } : {}),
    ...(global.plaintext || address.startsWith("http://") ? { "plain-text": true } : {}),
    ...(global["grpc-web"] ? { "grpc-web": true } : {}),
    ...(global["client-crt"] === "" ? {} : { "client-certificate": resolve(global["client-crt"]) }),
    ...(global["client-crt-key"] === "" ? {} : { "client-certificate-key": resolve(global["client-crt-key"]) }),
    ...(root === "" ? {} : { "grpc-web-root-path": root }),
  };
}

/** Finds out how the server speaks: with TLS, with a certificate of its own, or without. Asks before it gives way. */
async function reach(context: Context, address: string): Promise<ServerEntry> {
  const server = asWritten(context, address);
  try {
    const api = clientOf(context.connect, server, "");
    await api.version(context.op);
    return api.url.startsWith("http://") ? { ...server, "plain-text": true } : server;
  } catch (thrown) {
    const code = ((thrown as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? "";
    const local = isLoopback(targetOf(context.connect, server).url);
    if (speaksNoTls(thrown) && (local || (await agrees(context, "the server does not speak TLS"))))
      return reach(context, `http://${withoutScheme(address)}`);
    if (certificateCodes.test(code) && (await agrees(context, `the server's certificate is not trusted (${code})`)))
      return { ...server, insecure: true };
    throw thrown;
  }
}

/** The server behind --port-forward: how it speaks is found out, its certificate is not verified. */
async function reachForwarded(context: Context): Promise<ServerEntry> {
  const api = await forwardedClient(context.connect, "");
  await api.version(context.op);
  const plain = api.url.startsWith("http://") ? { "plain-text": true } : { insecure: true };
  return { ...asWritten(context, forwardedServer), ...plain };
}

async function agrees(context: Context, warning: string): Promise<boolean> {
  if (!context.input.isTerminal) return false;
  return /^y/i.test(await context.input.ask(context.op, `WARNING: ${warning}. Proceed (y/n)? `));
}
