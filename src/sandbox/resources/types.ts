// The TypeSchemas of the built-in kinds, read by the merge layer from the very schemas that we serve, so that both
// ends of a request see the same types. Read when the first type is asked for: starting costs nothing.
import { catalogueFromOpenApiV3 } from "#core/merge/schema.ts";
import type { SchemaCatalogue, TypeSchema } from "#core/merge/schema.ts";
import type { GroupVersionKind } from "#model/object.ts";
import { allComponents } from "./openapi.ts";

export class BuiltinTypes {
  #catalogue: SchemaCatalogue | undefined;

  /** The schema of a built-in kind, or undefined where it has none. */
  typeOf(gvk: GroupVersionKind): TypeSchema | undefined {
    this.#catalogue ??= catalogueFromOpenApiV3([{ components: { schemas: allComponents() } }]);
    return this.#catalogue.typeOf(gvk);
  }
}
