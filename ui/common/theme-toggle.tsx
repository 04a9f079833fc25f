// Goes round: as the system, light, dark.
import { Monitor, Moon, Sun } from "lucide-react";
import { useServices, useTheme } from "../live/context.ts";
import { Button } from "./button.tsx";

const next = { system: "light", light: "dark", dark: "system" } as const;
const looks = {
  system: { icon: Monitor, label: "Theme: as the system. Change to light" },
  light: { icon: Sun, label: "Theme: light. Change to dark" },
  dark: { icon: Moon, label: "Theme: dark. Change to the system's" },
} as const;

export function ThemeToggle() {
  const theme = useTheme();
  const { theme: store } = useServices();
  return <Button {...looks[theme]} look="quiet" onClick={() => store.set(next[theme])} />;
}
