// The tabs of one application.
import { Activity, History, ListTree, Network, SlidersHorizontal, type LucideIcon } from "lucide-react";

export type Tab = "tree" | "list" | "history" | "events" | "spec";

export const tabs: readonly { readonly key: Tab; readonly word: string; readonly icon: LucideIcon }[] = [
  { key: "tree", word: "Tree", icon: Network },
  { key: "list", word: "List", icon: ListTree },
  { key: "history", word: "History", icon: History },
  { key: "events", word: "Events", icon: Activity },
  { key: "spec", word: "Spec", icon: SlidersHorizontal },
];

export interface TabsProps {
  readonly tab: Tab;
  readonly history: number;
  readonly resources: number;
  readonly onTab: (tab: Tab) => void;
}

export function Tabs({ tab, history, resources, onTab }: TabsProps) {
  const counts: Partial<Record<Tab, number>> = { list: resources, history };
  return (
    <nav className="tabs" aria-label="Views of the application">
      {tabs.map(({ key, word, icon: Icon }) => (
        <button key={key} type="button" aria-current={tab === key ? "page" : undefined} onClick={() => onTab(key)}>
          <Icon size={14} aria-hidden />
          {word}
          {counts[key] !== undefined && <span className="tab-count">{counts[key]}</span>}
        </button>
      ))}
    </nav>
  );
}
