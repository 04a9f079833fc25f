// The services of the API: every method, how it is reached, and whether it streams. Read from the generated descriptors.
import { getOption, type DescMethod, type DescService } from "@bufbuild/protobuf";
import { AccountService } from "./gen/argoproj/account_pb.js";
import { ApplicationService } from "./gen/argoproj/application_pb.js";
import { ApplicationSetService } from "./gen/argoproj/applicationset_pb.js";
import { CertificateService } from "./gen/argoproj/certificate_pb.js";
import { ClusterService, SettingsService } from "./gen/argoproj/cluster_pb.js";
import { GPGKeyService } from "./gen/argoproj/gpgkey_pb.js";
import { NotificationService } from "./gen/argoproj/notification_pb.js";
import { ProjectService } from "./gen/argoproj/project_pb.js";
import { RepoCredsService } from "./gen/argoproj/repocreds_pb.js";
import { RepositoryService } from "./gen/argoproj/repository_pb.js";
import { SessionService } from "./gen/argoproj/session_pb.js";
import { VersionService } from "./gen/argoproj/version_pb.js";
import { http } from "./gen/google/api/annotations_pb.js";
import type { HttpRule } from "./gen/google/api/http_pb.js";

/** What the API server answers. The services of plugins and of the repository server are spoken inside the system. */
export const services = [
  AccountService,
  ApplicationService,
  ApplicationSetService,
  CertificateService,
  ClusterService,
  SettingsService,
  GPGKeyService,
  NotificationService,
  ProjectService,
  RepoCredsService,
  RepositoryService,
  SessionService,
  VersionService,
] as const satisfies readonly DescService[];

export type Verb = "GET" | "PUT" | "POST" | "DELETE" | "PATCH";

/** One way to reach a method by HTTP. */
export interface Binding {
  readonly verb: Verb;
  /** `/api/v1/applications/{name}`; `{name=**}` takes the rest of the path. */
  readonly path: string;
  /** The request's field that is the body; `*`: the whole request; "": there is none. */
  readonly body: string;
}

export function bindingsOf(method: DescMethod): readonly Binding[] {
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings].flatMap((each) => bindingOf(each) ?? []);
}

function bindingOf({ pattern, body }: HttpRule): Binding | undefined {
  if (pattern.case === undefined) return undefined;
  return { verb: pattern.case.toUpperCase() as Verb, path: pattern.value, body };
}
