// The application service: what clients may ask of applications, apart from any transport. One part for each concept;
// this file only puts them together.
import { ResourceActions } from "./resources/actions.ts";
import type { ApplicationServiceDeps } from "./deps.ts";
import { ApplicationDrift } from "./resources/drift.ts";
import { ApplicationManifests } from "./manifests/manifests.ts";
import { ApplicationOperations } from "./operations/operations.ts";
import { ApplicationPlans } from "./operations/plans.ts";
import { ApplicationQueries } from "./queries.ts";
import { ApplicationResources } from "./resources/resources.ts";
import { ApplicationWrites } from "./writes.ts";

export interface ApplicationService {
  /** Which applications there are, and how they look. */
  readonly queries: ApplicationQueries;
  /** Create, update, patch, delete. */
  readonly writes: ApplicationWrites;
  /** Sync, roll back, terminate. */
  readonly operations: ApplicationOperations;
  /** A sync's plan, and what is waited for. */
  readonly plans: ApplicationPlans;
  /** Which fields differ, and who changed them. */
  readonly drift: ApplicationDrift;
  /** An application's objects: tree, states. */
  readonly resources: ApplicationResources;
  /** Actions of live objects. */
  readonly actions: ResourceActions;
  /** Manifests of any revision and of local files, and how they compare with the live state. */
  readonly manifests: ApplicationManifests;
}

export function applicationService(deps: ApplicationServiceDeps): ApplicationService {
  const queries = new ApplicationQueries(deps);
  const resources = new ApplicationResources(deps, queries);
  return {
    queries,
    writes: new ApplicationWrites(deps, queries),
    operations: new ApplicationOperations(deps, queries),
    plans: new ApplicationPlans(deps, queries),
    drift: new ApplicationDrift(queries),
    resources,
    actions: new ResourceActions(deps, queries, resources),
    manifests: new ApplicationManifests(deps, queries),
  };
}
