// YAML with its keys set off from its values.
import { memo } from "react";

const keyPattern = /^(\s*(?:- )*)([^\s:#-][^:]*:)(?=\s|$)(.*)$/;

export const YamlText = memo(function YamlText({ text }: { readonly text: string }) {
  return (
    <pre className="yaml" tabIndex={0} aria-label="Manifest">
      {text
        .trimEnd()
        .split("\n")
        .map((line, index) => {
          const [, indent, key, rest] = keyPattern.exec(line) ?? [];
          return (
            <div key={index}>
              {key === undefined ? (
                line || " "
              ) : (
                <>
                  {indent}
                  <span className="yaml-key">{key}</span>
                  {rest}
                </>
              )}
            </div>
          );
        })}
    </pre>
  );
});
