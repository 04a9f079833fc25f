// A status as icon and word. Shape and word carry the meaning; colour only helps.
import {
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CirclePause,
  CircleQuestionMark,
  CircleX,
  Ghost,
  HeartCrack,
  Heart,
  LoaderCircle,
  TriangleAlert,
  type LucideIcon,
} from "lucide-react";

interface Look {
  readonly icon: LucideIcon;
  readonly tone: string;
  readonly word: string;
  readonly spins?: boolean;
}

const unknown: Look = { icon: CircleQuestionMark, tone: "unknown", word: "Unknown" };

const looks: Readonly<Record<"sync" | "health" | "operation", Readonly<Record<string, Look>>>> = {
  sync: {
    Synced: { icon: CircleCheck, tone: "good", word: "Synced" },
    OutOfSync: { icon: CircleAlert, tone: "warn", word: "OutOfSync" },
    Unknown: unknown,
  },
  health: {
    Healthy: { icon: Heart, tone: "good", word: "Healthy" },
    Progressing: { icon: CircleDashed, tone: "busy", word: "Progressing", spins: true },
    Degraded: { icon: HeartCrack, tone: "bad", word: "Degraded" },
    Suspended: { icon: CirclePause, tone: "rest", word: "Suspended" },
    Missing: { icon: Ghost, tone: "warn", word: "Missing" },
    Unknown: unknown,
  },
  operation: {
    Running: { icon: LoaderCircle, tone: "busy", word: "Syncing", spins: true },
    Terminating: { icon: LoaderCircle, tone: "warn", word: "Terminating", spins: true },
    Succeeded: { icon: CircleCheck, tone: "good", word: "Sync succeeded" },
    Failed: { icon: CircleX, tone: "bad", word: "Sync failed" },
    Error: { icon: TriangleAlert, tone: "bad", word: "Sync error" },
  },
};

export interface StatusProps {
  readonly of: "sync" | "health" | "operation";
  readonly value: string;
  readonly title?: string | undefined;
  /** Only the icon is drawn; the word is there for screen readers and as a tooltip. */
  readonly iconOnly?: boolean;
  readonly size?: number;
}

export function Status({ of, value, title, iconOnly = false, size = 15 }: StatusProps) {
  const look = looks[of][value] ?? { ...unknown, word: value };
  const Icon = look.icon;
  return (
    <span
      className={`status tone-${look.tone}`}
      title={title || (iconOnly ? look.word : undefined)}
      data-status={value}
    >
      <Icon size={size} strokeWidth={2.2} aria-hidden className={look.spins ? "spin" : undefined} />
      <span className={iconOnly ? "only-read" : undefined}>{look.word}</span>
    </span>
  );
}

/** The tone of a status, for bars and edges: good, warn, bad, busy, rest, unknown. */
export function toneOf(of: StatusProps["of"], value: string): string {
  return (looks[of][value] ?? unknown).tone;
}
