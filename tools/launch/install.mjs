// Installs what is missing and nothing more: what bin/driftless does before its first start.
import { prepare } from "./prepare.mjs";

await prepare();
