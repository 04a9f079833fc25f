// Label selectors as workloads write them. Source: Kubernetes, "Labels and Selectors".

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

/** Whether labels satisfy every requirement of a selector. An empty selector is satisfied by all. */
export function matches(selector: LabelSelector, labels: Readonly<Record<string, string>> | undefined): boolean {
  for (const name in selector.matchLabels) if (labels?.[name] !== selector.matchLabels[name]) return false;
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const value = labels?.[key];
    const inside = value !== undefined && values.includes(value);
    const holds =
      operator === "In" ? inside : operator === "NotIn" ? !inside : (value !== undefined) === (operator === "Exists");
    if (!holds) return false;
  }
  return true;
}
