// Moves the focus to the item that the keyboard moved to, once the virtual list has drawn it.
import { useEffect, useRef, type RefObject } from "react";
import type { ActiveItem } from "./list-props.ts";

/** What is scrolled to may have to be fetched first. */
const triesAtMost = 120;

export function useFocusActive(
  container: RefObject<HTMLElement | null>,
  active: ActiveItem,
  scrollTo: (index: number) => void,
): void {
  const done = useRef(active.moved);
  useEffect(() => {
    if (active.moved === done.current || active.index < 0) return;
    done.current = active.moved;
    scrollTo(active.index);
    let tries = 0;
    const focus = (): void => {
      const element = container.current?.querySelector<HTMLElement>(`[data-index="${active.index}"] a`);
      if (element) element.focus({ preventScroll: true });
      else if (tries++ < triesAtMost) requestAnimationFrame(focus);
    };
    requestAnimationFrame(focus);
  });
}
