// A name in the tree, cut in its middle where it is too long.
import { splitName } from "../model/text.ts";

export function TreeName({ name }: { readonly name: string }) {
  const [head, tail] = splitName(name);
  return (
    <b className="tree-name">
      <span>{head}</span>
      <span>{tail}</span>
    </b>
  );
}
