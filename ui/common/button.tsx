// A button, with an icon, a word, or both. Without a visible word it needs a label.
import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes } from "react";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly icon?: LucideIcon;
  readonly look?: "plain" | "primary" | "danger" | "quiet";
  /** For buttons that show only an icon: read aloud and shown as a tooltip. */
  readonly label?: string;
  readonly busy?: boolean;
}

export function Button({ icon: Icon, look = "plain", label, busy = false, children, className, ...rest }: ButtonProps) {
  const names = ["button", `button-${look}`, children ? "" : "button-icon", className ?? ""].filter(Boolean).join(" ");
  return (
    <button
      type="button"
      {...rest}
      className={names}
      aria-label={label}
      title={rest.title ?? label}
      aria-busy={busy || undefined}
      disabled={rest.disabled || busy}
    >
      {Icon && <Icon size={15} strokeWidth={2.1} aria-hidden className={busy ? "spin" : undefined} />}
      {children && <span>{children}</span>}
    </button>
  );
}
