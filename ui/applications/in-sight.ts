// Tells which items of a virtual list are drawn, whenever these are others.
import { useEffect } from "react";

export function useInSight(start: number, end: number, onSee: (start: number, end: number) => void): void {
  useEffect(() => onSee(start, end), [start, end, onSee]);
}
