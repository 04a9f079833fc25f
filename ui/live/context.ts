// What lives as long as the page, made once in main.tsx and handed down to components.
import { createContext, useContext, useSyncExternalStore } from "react";
import type { ApplicationsSnapshot, ApplicationsStore } from "./applications.ts";
import type { PageClock } from "./clock.ts";
import type { SessionState, SessionStore } from "./session.ts";
import type { Theme, ThemeStore } from "./theme.ts";
import type { Toast, ToastStore } from "./toasts.ts";

export interface Services {
  readonly session: SessionStore;
  readonly applications: ApplicationsStore;
  readonly clock: PageClock;
  readonly theme: ThemeStore;
  readonly toasts: ToastStore;
}

export const ServicesContext = createContext<Services | undefined>(undefined);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error("no services above this component");
  return services;
}

interface Readable<T> {
  readonly subscribe: (listener: () => void) => () => void;
  readonly snapshot: () => T;
}

export function useLive<T>(store: Readable<T>): T {
  return useSyncExternalStore(store.subscribe, store.snapshot);
}

export const useApplications = (): ApplicationsSnapshot => useLive(useServices().applications);
export const useSession = (): SessionState => useLive(useServices().session);
export const useTheme = (): Theme => useLive(useServices().theme);
export const useToasts = (): readonly Toast[] => useLive(useServices().toasts);
export const useNow = (): number => useLive(useServices().clock);
