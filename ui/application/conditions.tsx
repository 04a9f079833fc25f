// What is wrong with an application, in the words of whoever found it.
import { CircleX, TriangleAlert } from "lucide-react";
import type { ApplicationCondition } from "#model/application.ts";
import { Ago } from "../common/ago.tsx";

export function Conditions({ conditions }: { readonly conditions: readonly ApplicationCondition[] }) {
  if (conditions.length === 0) return null;
  return (
    <ul className="conditions" aria-label="Conditions">
      {conditions.map((condition) => {
        const warning = !condition.type.endsWith("Error");
        const Icon = warning ? TriangleAlert : CircleX;
        return (
          <li key={`${condition.type} ${condition.message}`} className={`message message-${warning ? "warn" : "bad"}`}>
            <Icon size={16} aria-hidden />
            <span>
              <strong>{condition.type}</strong> {condition.message}
            </span>
            <Ago at={condition.lastTransitionTime} />
          </li>
        );
      })}
    </ul>
  );
}
