// Moving and zooming a plane inside a box: drag, wheel, pinch, buttons. Writes the transform itself, so that moving
// draws nothing anew.
import { useCallback, useEffect, useLayoutEffect, useRef, type RefObject } from "react";

export interface Viewport {
  zoom(factor: number): void;
  /** All of the plane in sight, never larger than life. */
  fit(): void;
  /** Moves just enough that a rectangle is in sight. */
  reveal(x: number, y: number, width: number, height: number): void;
}

interface View {
  x: number;
  y: number;
  scale: number;
}

const smallest = 0.08;
const largest = 2;
/** Fitting does not go below this: better to see the beginning than specks. */
const readable = 0.55;

export function useViewport(
  box: RefObject<HTMLElement | null>,
  plane: RefObject<HTMLElement | null>,
  size: { readonly width: number; readonly height: number },
): Viewport {
  const view = useRef<View>({ x: 0, y: 0, scale: 1 });
  /** Whether a person moved it: from then on it stays where it is. */
  const touched = useRef(false);
  const draw = useCallback(() => {
    const { x, y, scale } = view.current;
    if (plane.current) plane.current.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  }, [plane]);
  const zoomAt = useCallback(
    (factor: number, atX: number, atY: number) => {
      const { x, y, scale } = view.current;
      const next = Math.min(largest, Math.max(smallest, scale * factor));
      view.current = { scale: next, x: atX - ((atX - x) * next) / scale, y: atY - ((atY - y) * next) / scale };
      touched.current = true;
      draw();
    },
    [draw],
  );
  const fitTo = useCallback(
    (least: number) => {
      const element = box.current;
      if (!element || size.width === 0) return;
      const { clientWidth, clientHeight } = element;
      const scale = Math.max(least, Math.min(1, clientWidth / size.width, clientHeight / size.height));
      const spare = (outer: number, inner: number): number => Math.max(0, (outer - inner * scale) / 2);
      view.current = {
        scale,
        x: Math.min(spare(clientWidth, size.width), 24),
        y: spare(clientHeight, size.height),
      };
      draw();
    },
    [box, draw, size.width, size.height],
  );
  useLayoutEffect(() => {
    if (touched.current) draw();
    else fitTo(readable);
  }, [fitTo, draw]);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => {
      if (!touched.current) fitTo(readable);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [box, fitTo]);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const moved = (): void => {
      touched.current = true;
      draw();
    };
    return listen(element, view, { zoomAt, moved });
  }, [box, draw, zoomAt]);
  return {
    zoom(factor) {
      const element = box.current;
      if (element) zoomAt(factor, element.clientWidth / 2, element.clientHeight / 2);
    },
    fit() {
      fitTo(smallest);
      touched.current = true;
    },
    reveal(x, y, width, height) {
      const element = box.current;
      if (!element) return;
      const now = view.current;
      const edge = 24;
      const into = (offset: number, from: number, length: number, room: number): number =>
        Math.min(Math.max(offset, edge - from * now.scale), room - edge - (from + length) * now.scale);
      now.x = into(now.x, x, width, element.clientWidth);
      now.y = into(now.y, y, height, element.clientHeight);
      touched.current = true;
      draw();
    },
  };
}

function listen(
  element: HTMLElement,
  view: RefObject<View>,
  to: { zoomAt(factor: number, x: number, y: number): void; moved(): void },
): () => void {
  const pointers = new Map<number, { x: number; y: number }>();
  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const frame = element.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      to.zoomAt(Math.exp(-event.deltaY * 0.006), event.clientX - frame.left, event.clientY - frame.top);
      return;
    }
    view.current.x -= event.shiftKey ? event.deltaY : event.deltaX;
    view.current.y -= event.shiftKey ? 0 : event.deltaY;
    to.moved();
  };
  const down = (event: PointerEvent): void => {
    if (event.target instanceof Element && event.target.closest("button") && event.pointerType === "mouse") return;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  };
  const move = (event: PointerEvent): void => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    if (other) {
      const frame = element.getBoundingClientRect();
      const distance = (point: { x: number; y: number }): number => Math.hypot(point.x - other.x, point.y - other.y);
      const middle = { x: (now.x + other.x) / 2 - frame.left, y: (now.y + other.y) / 2 - frame.top };
      to.zoomAt(distance(now) / Math.max(1, distance(before)), middle.x, middle.y);
      return;
    }
    if (!element.hasPointerCapture(event.pointerId) && Math.hypot(now.x - before.x, now.y - before.y) > 2)
      element.setPointerCapture(event.pointerId);
    view.current.x += now.x - before.x;
    view.current.y += now.y - before.y;
    element.classList.add("moving");
    to.moved();
  };
  const up = (event: PointerEvent): void => {
    pointers.delete(event.pointerId);
    element.classList.remove("moving");
  };
  element.addEventListener("wheel", wheel, { passive: false });
  element.addEventListener("pointerdown", down);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  return () => {
    element.removeEventListener("wheel", wheel);
    element.removeEventListener("pointerdown", down);
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", up);
    element.removeEventListener("pointercancel", up);
  };
}
