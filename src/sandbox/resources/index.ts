// What the sandbox's API takes from here: the definitions of the built-in kinds and those made from CRDs.
export { builtinResources } from "./definitions.ts";
export { toOpenApiV2 } from "./openapi.ts";
export { customResource } from "./crd/definition.ts";
