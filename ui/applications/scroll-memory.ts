// Where the list was scrolled to, so that coming back from an application leads to the same place.
import { useEffect, useRef, type RefObject } from "react";

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

/** Scrolls to the top when another list is shown. */
export function useTopOf(list: string, container: RefObject<HTMLElement | null>): void {
  const before = useRef(list);
  useEffect(() => {
    if (before.current !== list) container.current?.scrollTo({ top: 0 });
    before.current = list;
  }, [list, container]);
}
