// An element's inner width, followed as it changes.
import { useLayoutEffect, useState, type RefObject } from "react";

/** Takes a ref; returns its width in pixels without padding, 0 before it is known. */
export function useWidth(ref: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const observer = new ResizeObserver((entries) => setWidth(Math.floor(entries[0]?.contentRect.width ?? 0)));
    observer.observe(element);
    const style = getComputedStyle(element);
    setWidth(Math.floor(element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)));
    return () => observer.disconnect();
  }, [ref]);
  return width;
}
