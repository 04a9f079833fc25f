// Changing a project: it is read, changed as the command says, and written back. Lists stay in their order.
import { DriftlessError } from "#base/errors.ts";
import type { AppProject, AppProjectSpec } from "#model/application.ts";
import type { Context } from "../context.ts";
import { projects } from "./services.ts";

/** A role of a project, as `spec.roles` has it. */
export interface ProjectRole {
  readonly name: string;
  readonly description?: string;
  readonly policies?: readonly string[];
  readonly groups?: readonly string[];
  readonly jwtTokens?: readonly ProjectToken[];
}

export interface ProjectToken {
  readonly id?: string;
  /** Seconds since the epoch. */
  readonly iat: number;
  readonly exp?: number;
}

/**
 * Reads a project, and writes it with what `change` makes of its spec; undefined changes nothing. Returns the spec that
 * was written. Errors: those of the server and of `change`.
 */
export async function changeSpec(
  context: Context,
  name: string,
  change: (
    spec: AppProjectSpec,
    project: AppProject,
  ) => AppProjectSpec | undefined | Promise<AppProjectSpec | undefined>,
): Promise<AppProjectSpec | undefined> {
  const api = await context.api();
  const project = await projects.get(context.op, api, name);
  const spec = await change(project.spec, project);
  if (spec !== undefined) await projects.update(context.op, api, { ...project, spec });
  return spec;
}

export const rolesOf = (spec: AppProjectSpec): readonly ProjectRole[] => (spec.roles ?? []) as unknown as ProjectRole[];

/** Error: NOT_FOUND. */
export function roleOf(project: AppProject, name: string): ProjectRole {
  const role = rolesOf(project.spec).find((each) => each.name === name);
  if (!role)
    throw new DriftlessError("NOT_FOUND", `role '${name}' does not exist in project '${project.metadata.name}'`);
  return role;
}

/** The tokens of a role; what the status says wins, as the server keeps them there too. */
export function tokensOf(project: AppProject, role: string): readonly ProjectToken[] {
  const status = project["status"] as
    | { jwtTokensByRole?: Readonly<Record<string, { items?: readonly ProjectToken[] }>> }
    | undefined;
  return status?.jwtTokensByRole?.[role]?.items ?? roleOf(project, role).jwtTokens ?? [];
}

export const withRoles = (spec: AppProjectSpec, roles: readonly ProjectRole[]): AppProjectSpec => ({
  ...spec,
  roles: roles as unknown as NonNullable<AppProjectSpec["roles"]>,
});

/** The spec with one role changed. */
export const withRole = (spec: AppProjectSpec, role: ProjectRole): AppProjectSpec =>
  withRoles(
    spec,
    rolesOf(spec).map((each) => (each.name === role.name ? role : each)),
  );
