// The keyboard map. Keep equal to docs/guides/page.md.
import { Dialog } from "../common/dialog.tsx";

const groups: readonly { readonly title: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    title: "Anywhere",
    keys: [
      ["?", "This help"],
      ["Esc", "Close, clear the search, or go back"],
    ],
  },
  {
    title: "Applications",
    keys: [
      ["/", "Search"],
      ["← ↑ → ↓  or  j k", "Move"],
      ["Home  End", "First, last"],
      ["Enter", "Open"],
      ["x", "Select"],
      ["a", "Select all that match"],
      ["v", "Tiles or table"],
      ["n", "New application"],
    ],
  },
  {
    title: "One application",
    keys: [
      ["s", "Sync"],
      ["r", "Refresh"],
      ["1 – 5", "Tree, list, history, events, spec"],
      ["/", "Filter resources"],
      ["← ↑ → ↓", "Move in the tree"],
      ["Enter", "Details of a resource"],
      ["+  −  0", "Zoom in, out, fit"],
    ],
  },
];

export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div className="help">
        {groups.map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl>
              {group.keys.map(([keys, what]) => (
                <div key={keys}>
                  <dt>
                    <kbd>{keys}</kbd>
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
