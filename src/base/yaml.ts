// YAML of settings and the like, as a value. Odd tags and directives are no business of the program's own output: they
// throw or are passed over, nothing is printed.
import { parse } from "yaml";

/** One document of YAML 1.2 as JSON would hold it. Throws the library's error, whose first line says what and where. */
export function parseYaml(text: string): unknown {
  return parse(text, { logLevel: "error" });
}
