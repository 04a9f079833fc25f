// Starts the page: makes what lives as long as it does, and draws.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { changeFields, pageOfApplications } from "./api/applications.ts";
import { ApiError } from "./api/error.ts";
import { openEventStream } from "./api/event-stream.ts";
import { App } from "./app.tsx";
import { ApplicationsStore } from "./live/applications.ts";
import { PageClock } from "./live/clock.ts";
import { ServicesContext, type Services } from "./live/context.ts";
import { SessionStore } from "./live/session.ts";
import { ThemeStore } from "./live/theme.ts";
import { ToastStore } from "./live/toasts.ts";

const services: Services = {
  session: new SessionStore(),
  applications: new ApplicationsStore({
    open: (to) =>
      openEventStream({
        path: "/stream/applications",
        // Only what changes from now on, and of that only whose it is.
        query: { resourceVersion: String(Number.MAX_SAFE_INTEGER), fields: changeFields },
        opened: async () => to.opened(),
        event: () => to.changed(),
        state: (state) => to.state(state),
      }),
    page: pageOfApplications,
  }),
  clock: new PageClock(),
  theme: new ThemeStore(),
  toasts: new ToastStore(),
};

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 2 && error instanceof ApiError && error.kind === "unreachable",
    },
  },
});

createRoot(document.getElementById("root")!).render(
  <ServicesContext value={services}>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </ServicesContext>,
);
void services.session.ask();
