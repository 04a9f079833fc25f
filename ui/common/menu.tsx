// A button that opens a short list of actions. Arrow keys move, Escape closes, the focus comes back.
import type { LucideIcon } from "lucide-react";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { Button } from "./button.tsx";

export interface MenuItem {
  readonly word: string;
  readonly note?: string;
  readonly run: () => void;
}

export interface MenuProps {
  readonly label: string;
  readonly icon: LucideIcon;
  /** Shown on the button; without it the icon alone. */
  readonly word?: string;
  readonly items: readonly MenuItem[];
}

export function Menu({ label, icon, word, items }: MenuProps) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    box.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const outside = (event: PointerEvent): void => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);
  const close = (): void => {
    setOpen(false);
    box.current?.querySelector("button")?.focus();
  };
  const keys = (event: KeyboardEvent): void => {
    if (!open) return;
    if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const all = [...(box.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    all[(all.indexOf(document.activeElement as HTMLElement) + step + all.length) % all.length]?.focus();
  };
  return (
    <div className="menu" ref={box} onKeyDown={keys}>
      <Button
        icon={icon}
        label={label}
        look={word === undefined ? "plain" : "quiet"}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {word}
      </Button>
      {open && (
        <div role="menu" aria-label={label} className="menu-list">
          {items.map((item) => (
            <button
              key={item.word}
              type="button"
              role="menuitem"
              tabIndex={-1}
              onClick={() => {
                close();
                item.run();
              }}
            >
              {item.word}
              {item.note && <small>{item.note}</small>}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
