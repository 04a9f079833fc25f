// A block that says what happened and what can be done: empty lists, errors, things that are missing.
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

export interface NoticeProps {
  readonly icon: LucideIcon;
  readonly title: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  readonly tone?: "plain" | "bad";
}

export function Notice({ icon: Icon, title, children, actions, tone = "plain" }: NoticeProps) {
  return (
    <div className={`notice notice-${tone}`} role={tone === "bad" ? "alert" : undefined}>
      <Icon size={28} strokeWidth={1.6} aria-hidden />
      <h2>{title}</h2>
      {children && <div className="notice-text">{children}</div>}
      {actions && <div className="notice-actions">{actions}</div>}
    </div>
  );
}
