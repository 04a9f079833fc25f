// The GPGKeyService of the protocol: the OpenPGP keys whose signatures of commits count. Only public keys are kept. Names and
// semantics follow Argo CD's GPGKeyService.
import { readKey, readKeys, type PublicKey } from "openpgp";
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import { GPGKeyService } from "#protocol/gen/argoproj/gpgkey_pb.js";
import { denied, type Rbac } from "../auth/rbac.ts";
import { changeConfigMap, readConfigMap, type ConfigMapDeps } from "../config-maps.ts";
import { bind, session, type BoundService, type Call } from "../rpc/service.ts";

export interface GpgKeyApiDeps extends ConfigMapDeps {
  readonly rbac: Rbac;
}

interface ShownKey {
  readonly keyID: string;
  readonly fingerprint: string;
  readonly owner: string;
  readonly trust: string;
  readonly subType: string;
  readonly keyData: string;
}

const keysMap = "argocd-gpg-keys-cm";

export function gpgKeyApi(deps: GpgKeyApiDeps): BoundService {
  const on =
    (action: "get" | "create" | "delete") =>
    (call: Call): void => {
      session(call);
      if (!deps.rbac.may(call.account, "gpgkeys", action, "")) throw denied(call.account, ["gpgkeys", action]);
    };
  return bind(GPGKeyService, {
    list: {
      access: on("get"),
      handle: async ({ op }) => {
        const keys = await configured(op, deps);
        return { metadata: {}, items: keys.map(({ keyData: _data, ...key }) => key) };
      },
    },
    get: {
      access: on("get"),
      handle: async ({ op }, { keyID = "" }) => {
        const wanted = keyIdOf(keyID);
        const found = (await configured(op, deps)).find((key) => key.keyID === wanted);
        if (!found) throw new DriftlessError("NOT_FOUND", `no such key: ${wanted}`);
        return found;
      },
    },
    create: {
      access: on("create"),
      handle: ({ op }, { publickey, upsert }) => create(op, deps, publickey?.keyData ?? "", upsert === true),
    },
    delete: {
      access: on("delete"),
      async handle({ op }, { keyID = "" }) {
        const wanted = keyIdOf(keyID);
        await changeConfigMap(op, deps, keysMap, (now) => {
          if (now[wanted] === undefined) throw new DriftlessError("NOT_FOUND", `no such key configured: ${wanted}`);
          return { [wanted]: undefined };
        });
        return {};
      },
    },
  });
}

async function create(op: Op, deps: GpgKeyApiDeps, text: string, upsert: boolean): Promise<object> {
  const keys = await keysIn(text);
  let created: ShownKey[] = [];
  let skipped: string[] = [];
  await changeConfigMap(op, deps, keysMap, (now) => {
    created = keys.filter(({ keyID, keyData }) => now[keyID] === undefined || (upsert && now[keyID] !== keyData));
    skipped = keys.filter((key) => !created.includes(key)).map(({ keyID }) => keyID);
    return Object.fromEntries(created.map(({ keyID, keyData }) => [keyID, keyData]));
  });
  return { created: { metadata: {}, items: created }, skipped };
}

/** The public keys of an armoured text. Error: INVALID_ARGUMENT. */
async function keysIn(text: string): Promise<readonly ShownKey[]> {
  const refuse = (why: string): DriftlessError =>
    new DriftlessError("INVALID_ARGUMENT", why, { details: { field: "publickey.keyData" } });
  if (text.trim() === "") throw refuse("submitted key data is empty");
  const found = await readKeys({ armoredKeys: text }).catch((thrown: unknown) => {
    throw refuse(`the data hold no armoured OpenPGP key: ${toError(thrown).message}`);
  });
  if (found.length === 0) throw refuse("the data hold no OpenPGP key");
  if (found.some((key) => key.isPrivate()))
    throw refuse("the data hold a private key: export the public one (gpg --armor --export KEY)");
  return Promise.all(found.map((key) => shown(key)));
}

/** By their ids; what is no key is left out and told. */
async function configured(op: Op, deps: GpgKeyApiDeps): Promise<readonly ShownKey[]> {
  const data = await readConfigMap(op, deps, keysMap);
  const keys = await Promise.all(
    Object.keys(data)
      .sort()
      .map(async (name) => {
        try {
          return [{ ...(await shown((await readKey({ armoredKey: data[name]! })).toPublic())), keyData: data[name]! }];
        } catch (thrown) {
          op.log.warn("key not usable", { key: name, error: toError(thrown).message });
          return [];
        }
      }),
  );
  return keys.flat();
}

async function shown(key: PublicKey): Promise<ShownKey> {
  const fingerprint = key.getFingerprint().toUpperCase();
  return {
    keyID: fingerprint.slice(-16),
    fingerprint,
    owner: key.getUserIDs()[0] ?? "",
    trust: "unknown",
    subType: algorithmOf(key),
    keyData: key.armor(),
  };
}

/** As gpg writes it: `rsa4096`, `ed25519`, `nistp256`. */
function algorithmOf(key: PublicKey): string {
  const { algorithm, bits, curve } = key.getAlgorithmInfo();
  const name: string = algorithm;
  if (curve !== undefined) return (curve as string).replace(/Legacy$/, "").toLowerCase();
  return `${name.replace(/(EncryptSign|Encrypt|Sign|Legacy)$/i, "").toLowerCase()}${bits ?? ""}`;
}

/** 16 digits, whatever is given: they, or a fingerprint. Error: INVALID_ARGUMENT. */
function keyIdOf(text: string): string {
  const id = text.trim().toUpperCase().replace(/^0X/, "");
  if (!/^([0-9A-F]{16}|[0-9A-F]{40})$/.test(id))
    throw new DriftlessError("INVALID_ARGUMENT", "KeyID is malformed or empty", { details: { field: "keyID" } });
  return id.slice(-16);
}
