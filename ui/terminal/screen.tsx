// A terminal on the screen: draws what a shell writes, sends what is typed, fits its size, says why it ended. Large; loaded
// when somebody opens one.
import { FitAddon } from "@xterm/addon-fit";
import { Terminal, type ITheme } from "@xterm/xterm";
import { RotateCw } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Button } from "../common/button.tsx";
import { useServices, useTheme } from "../live/context.ts";
import { openTerminal, type Ending, type TerminalTarget } from "./connection.ts";

export interface TerminalScreenProps {
  readonly target: TerminalTarget;
}

type State =
  | { readonly phase: "connecting" }
  | { readonly phase: "open" }
  | { readonly phase: "ended"; readonly why: Ending };

const words: Readonly<Record<Ending, string>> = {
  exit: "The shell has ended.",
  session: "Your session has ended, and the shell with it. Log in again to open another.",
  denied: "You may no longer open terminals of this application; the shell was ended.",
  refused: "The terminal could not be opened: the pod has to be running, and the cluster has to let Driftless in.",
  lost: "The connection was lost, and the shell with it.",
};

export function TerminalScreen({ target }: TerminalScreenProps) {
  const { session } = useServices();
  const theme = useTheme();
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Terminal>(undefined);
  const [state, setState] = useState<State>({ phase: "connecting" });
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const element = place.current!;
    const terminal = new Terminal({
      fontSize: 13,
      fontFamily: fontOf(element),
      theme: themeOf(element),
      scrollback: 5000,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(element);
    drawn.current = terminal;
    setState({ phase: "connecting" });
    const connection = openTerminal(target, {
      opened() {
        setState({ phase: "open" });
        connection.resize(terminal.cols, terminal.rows);
        terminal.focus();
      },
      output: (text) => terminal.write(text),
      ended(why) {
        terminal.options.disableStdin = true;
        terminal.options.cursorBlink = false;
        setState({ phase: "ended", why });
      },
    });
    terminal.onData((text) => connection.write(text));
    terminal.onResize(({ cols, rows }) => connection.resize(cols, rows));
    const sizes = new ResizeObserver(() => fit.fit());
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      connection.close();
      terminal.dispose();
    };
  }, [target, attempt]);

  useEffect(() => {
    if (drawn.current && place.current) drawn.current.options.theme = themeOf(place.current);
  }, [theme]);

  const again = (): void => {
    // Whoever has to log in anew is led there.
    if (state.phase === "ended" && state.why === "session") void session.ask();
    setAttempt(attempt + 1);
  };
  return (
    <div className="shell" data-phase={state.phase}>
      <div className="terminal-place" ref={place} aria-label={`Terminal of ${target.container} in ${target.pod}`} />
      {state.phase === "connecting" && (
        <p className="terminal-note" role="status">
          Connecting …
        </p>
      )}
      {state.phase === "ended" && (
        <div className="terminal-note" role="alert">
          <span>{words[state.why]}</span>
          <Button icon={RotateCw} onClick={again}>
            {state.why === "session" ? "Log in" : "Connect again"}
          </Button>
        </div>
      )}
    </div>
  );
}

function fontOf(element: HTMLElement): string {
  return getComputedStyle(element).getPropertyValue("--mono").trim() || "monospace";
}

/** The page's own colours. */
function themeOf(element: HTMLElement): ITheme {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    background: colour("surface-2"),
    foreground: colour("ink"),
    cursor: colour("accent"),
    cursorAccent: colour("surface"),
    selectionBackground: colour("accent-soft"),
    black: colour("ink-2"),
    brightBlack: colour("ink-3"),
    red: colour("bad"),
    brightRed: colour("bad-fill"),
    green: colour("good"),
    brightGreen: colour("good-fill"),
    yellow: colour("warn"),
    brightYellow: colour("warn-fill"),
    blue: colour("busy"),
    brightBlue: colour("busy-fill"),
    magenta: colour("rest"),
    brightMagenta: colour("rest-fill"),
    cyan: colour("accent"),
    brightCyan: colour("accent-hover"),
    white: colour("ink-2"),
    brightWhite: colour("ink"),
  };
}
