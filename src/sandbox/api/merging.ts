// What the API takes from core/merge, in one place: who owns which field, and patches.
export { applyServerSide, conflictMessage, sameButForTimes, trackUpdate } from "#core/merge/structured.ts";
export { applyStrategicPatch } from "#core/merge/strategic.ts";
export { applyJsonPatch } from "#core/merge/json-patch.ts";
export { applyMergePatch } from "#core/merge/merge-patch.ts";
