// The `fields` parameter of lists and streams: only the named fields of an answer, or with a leading "-" all but those,
// as Argo CD's API has it (`fields=items.metadata.name,items.status.sync`). Lists are passed through. Pure.

interface Node {
  readonly children: Map<string, Node>;
  /** The path ends here: everything below belongs to it. */
  whole: boolean;
}

/** Takes the parameter; returns what to do to an answer, or undefined where everything is wanted. */
export function fieldsOf(parameter: string | undefined): ((answer: unknown) => unknown) | undefined {
  if (!parameter) return undefined;
  const excludes = parameter.startsWith("-");
  const root: Node = { children: new Map(), whole: false };
  for (const path of (excludes ? parameter.slice(1) : parameter).split(",")) {
    let node = root;
    for (const part of path.trim().split(".")) {
      let child = node.children.get(part);
      if (!child) node.children.set(part, (child = { children: new Map(), whole: false }));
      node = child;
    }
    node.whole = true;
  }
  return (answer) => (excludes ? without(answer, root) : only(answer, root));
}

function only(value: unknown, node: Node): unknown {
  if (node.whole || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => only(item, node));
  const picked: Record<string, unknown> = {};
  for (const [name, child] of node.children) {
    const field = (value as Record<string, unknown>)[name];
    if (field !== undefined && Object.hasOwn(value, name)) picked[name] = only(field, child);
  }
  return picked;
}

function without(value: unknown, node: Node): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => without(item, node));
  const kept: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    const child = node.children.get(name);
    if (!child) kept[name] = field;
    else if (!child.whole) kept[name] = without(field, child);
  }
  return kept;
}
