// The corner where short messages appear; read aloud as they come.
import { X } from "lucide-react";
import { useServices, useToasts } from "../live/context.ts";
import { Button } from "./button.tsx";

export function Toasts() {
  const shown = useToasts();
  const { toasts } = useServices();
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} className={`toast toast-${toast.tone}`}>
          <span>{toast.text}</span>
          <Button icon={X} look="quiet" label="Dismiss" onClick={() => toasts.dismiss(toast.id)} />
        </div>
      ))}
    </div>
  );
}
