// What `admin` commands share with the server: how policies and settings are read, what Secrets look like, where scripts
// run. Loads each part when it is first asked for: most commands need none of it.
import type { AdminMeans } from "#cli/admin-means.ts";

export function adminMeans(): AdminMeans {
  return {
    policies: () => import("#server/auth/rbac.ts"),
    secrets: async () => {
      const [{ repositorySecret }, { clusterSecret }] = await Promise.all([
        import("#server/repository/secrets.ts"),
        import("#server/cluster/secrets.ts"),
      ]);
      return { repositorySecret, clusterSecret };
    },
  };
}
