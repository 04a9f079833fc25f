// Which live objects count as an application's own: those that its project permits now. Of others it takes no notice:
// they are neither compared, shown, pruned nor deleted with it, as in Argo CD. Pure.
import { whyForbidden } from "#core/policy/project.ts";
import type { AppProject } from "#model/application.ts";
import type { ObjectKey } from "#model/object.ts";

/** Takes a project and a cluster; returns the question, which remembers its answers. */
export function livePermits(
  project: AppProject,
  cluster: { readonly server: string; readonly name: string },
): (key: ObjectKey) => boolean {
  const answers = new Map<string, boolean>();
  return (key) => {
    const { group, kind, namespace, name } = key;
    // Only of cluster-scoped objects does a project know names.
    const question = namespace === "" ? `${group}/${kind} ${name}` : `${group}/${kind} in ${namespace}`;
    let answer = answers.get(question);
    if (answer === undefined) {
      const destination = { server: cluster.server, name: cluster.name, namespace };
      answer = whyForbidden(project, key, namespace !== "", destination) === undefined;
      answers.set(question, answer);
    }
    return answer;
  };
}
