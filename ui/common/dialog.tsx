// A modal dialog over the browser's own: focus stays inside, Escape closes, what lies behind is inert.
import { X } from "lucide-react";
import { useEffect, useId, useRef, type FormEvent, type ReactNode } from "react";
import { Button } from "./button.tsx";

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** Buttons of the foot; the form is submitted by the one of type submit. */
  readonly actions?: ReactNode;
  readonly onSubmit?: () => void;
  readonly wide?: boolean;
}

export function Dialog({ title, onClose, children, actions, onSubmit, wide = false }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = ref.current!;
    const before = document.activeElement;
    dialog.showModal();
    // Not the close button, which comes first: what a person most likely wants to do here.
    const wanted = "[data-autofocus], .dialog-body input, .dialog-body textarea, .dialog-foot button";
    (dialog.querySelector<HTMLElement>("[data-autofocus]") ?? dialog.querySelector<HTMLElement>(wanted))?.focus();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onSubmit?.();
  };
  return (
    <dialog
      ref={ref}
      className={wide ? "dialog dialog-wide" : "dialog"}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => event.target === ref.current && onClose()}
    >
      <form onSubmit={submit} className="dialog-form">
        <header className="dialog-head">
          <h2 id={heading}>{title}</h2>
          <Button icon={X} look="quiet" label="Close" onClick={onClose} />
        </header>
        <div className="dialog-body">{children}</div>
        {actions && <footer className="dialog-foot">{actions}</footer>}
      </form>
    </dialog>
  );
}
