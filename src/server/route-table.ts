// Which methods there are at a path, for those who come with another one.
import type { FastifyInstance } from "fastify";

export class RouteTable {
  readonly #routes: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];

  /** Notes every route that is added to the server from now on. */
  constructor(app: FastifyInstance) {
    app.addHook("onRoute", ({ url, method }) => {
      const pattern = url
        .split(/(:[A-Za-z]\w*|\*)/)
        .map((part) =>
          part === "*" ? ".*" : part.startsWith(":") ? "[^/]+" : part.replace(/[.?+^$()[\]{}|\\]/g, "\\$&"),
        )
        .join("");
      this.#routes.push({ path: new RegExp(`^${pattern}$`), methods: [method].flat() });
    });
  }

  /** Takes a path as it was written, without the query. */
  methodsAt(path: string): readonly string[] {
    return [...new Set(this.#routes.filter((route) => route.path.test(path)).flatMap(({ methods }) => methods))].sort();
  }
}
