// The list's state: kept here while a person types, written to the address a moment later, read from it on Back.
import { useCallback, useEffect, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { rememberList } from "../common/list-address.ts";
import { readListState, writeListState, type ListState } from "../model/list-url.ts";

const writeAfterMs = 200;

export function useListState(): readonly [ListState, (change: Partial<ListState>) => void] {
  const search = useSearch();
  const [, navigate] = useLocation();
  const [state, setState] = useState(() => readListState(search));
  const written = useRef(search);
  useEffect(() => {
    if (search === written.current) return;
    written.current = search;
    setState(readListState(search));
  }, [search]);
  useEffect(() => {
    const text = writeListState(state);
    rememberList(text);
    if (text === written.current) return undefined;
    const timer = setTimeout(() => {
      written.current = text;
      navigate(text === "" ? "/applications" : `/applications?${text}`, { replace: true });
    }, writeAfterMs);
    return () => clearTimeout(timer);
  }, [state, navigate]);
  const change = useCallback((part: Partial<ListState>) => setState((now) => ({ ...now, ...part })), []);
  return [state, change];
}
