// Where the list was scrolled to, so that coming back from an application leads to the same place.
import { useEffect, type RefObject } from "react";

/** Returns the offset to begin with, in pixels. */
export function useScrollMemory(name: string, container: RefObject<HTMLElement | null>): number {
  const key = `driftless.scroll.${name}${location.search}`;
  useEffect(() => {
    const element = container.current;
    return () => {
      if (element) sessionStorage.setItem(key, String(element.scrollTop));
    };
  }, [key, container]);
  return Number(sessionStorage.getItem(key) ?? 0);
}
