// The version service: what runs. Answers anybody.
import { VersionService } from "#protocol/gen/argoproj/version_pb.js";
import { bind, open, type BoundService } from "../rpc/service.ts";

export function versionService(version: string): BoundService {
  return bind(VersionService, { version: { access: open, handle: () => ({ Version: `v${version}` }) } });
}
