// A value as YAML text to edit; says where the text is not YAML.
import { useState } from "react";
import { parseYaml, yamlOf } from "../model/yaml.ts";

export interface YamlEditorProps {
  readonly label: string;
  /** What to begin with; later changes of it are not taken up. */
  readonly value: unknown;
  readonly onChange: (edited: { readonly value?: unknown; readonly problem?: string }) => void;
}

export function YamlEditor({ label, value, onChange }: YamlEditorProps) {
  const [text, setText] = useState(() => yamlOf(value));
  return (
    <textarea
      aria-label={label}
      rows={Math.min(28, Math.max(14, text.split("\n").length + 1))}
      spellCheck={false}
      value={text}
      onChange={(event) => {
        setText(event.target.value);
        onChange(parseYaml(event.target.value));
      }}
    />
  );
}
