// A manifest as YAML, to read and to copy.
import { Copy } from "lucide-react";
import { useMemo, useState } from "react";
import { isObject } from "#base/json.ts";
import { useAction } from "../common/action.ts";
import { Button } from "../common/button.tsx";
import { comparable } from "../model/diff.ts";
import { yamlOf } from "../model/yaml.ts";
import { YamlText } from "./yaml-text.tsx";

export interface ManifestViewProps {
  readonly object: unknown;
  /** Said where there is no object. */
  readonly none: string;
}

export function ManifestView({ object, none }: ManifestViewProps) {
  const copying = useAction();
  const [all, setAll] = useState(false);
  const text = useMemo(() => {
    if (!isObject(object)) return "";
    return yamlOf(all ? object : { ...(comparable(object) as object), status: object["status"] });
  }, [object, all]);
  if (text === "") return <p className="faint">{none}</p>;
  return (
    <>
      <div className="manifest-tools">
        <label className="check">
          <input type="checkbox" checked={all} onChange={() => setAll(!all)} />
          <span>All metadata</span>
        </label>
        <span className="grow" />
        <Button
          icon={Copy}
          look="quiet"
          onClick={() => void copying.run(() => navigator.clipboard.writeText(text), { done: "Copied." })}
        >
          Copy
        </Button>
      </div>
      <YamlText text={text} />
    </>
  );
}
