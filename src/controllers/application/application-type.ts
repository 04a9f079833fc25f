// Where Applications are found on the control cluster.
import type { ResourcePath } from "#kube/types.ts";
import { group, version } from "#model/names.ts";

export const applicationType: ResourcePath = { group, version, plural: "applications", namespaced: true };
