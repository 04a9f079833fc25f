// The terminal of a pod: which container, which shell, and whether one may. What draws it is loaded only then.
import { useQuery } from "@tanstack/react-query";
import { Maximize2, Minimize2 } from "lucide-react";
import { lazy, Suspense, useMemo, useState } from "react";
import { isObject, listAt, stringAt } from "#base/json.ts";
import type { Application } from "#model/application.ts";
import type { ResourceNode } from "#protocol/rest.ts";
import { liveObject, type AppId } from "../api/applications.ts";
import { messageOf } from "../api/error.ts";
import { canI } from "../api/settings.ts";
import { Button } from "../common/button.tsx";

const TerminalScreen = lazy(async () => ({ default: (await import("./screen.tsx")).TerminalScreen }));

export interface TerminalViewProps {
  readonly id: AppId;
  readonly application: Application;
  readonly node: ResourceNode;
}

const shells = ["bash", "sh", "powershell", "cmd"];

export function TerminalView({ id, application, node }: TerminalViewProps) {
  const project = application.spec.project || "default";
  const { name = "", namespace = "" } = application.metadata;
  const [container, setContainer] = useState("");
  const [shell, setShell] = useState("");
  const [large, setLarge] = useState(false);
  const permission = useQuery({
    queryKey: ["can-i", "exec", project, namespace, name],
    queryFn: ({ signal }) => canI("exec", "create", `${project}/${name}`, signal),
  });
  const pod = useQuery({
    queryKey: ["pod", id.namespace, id.name, node.uid, node.resourceVersion],
    queryFn: ({ signal }) => liveObject(id, node, signal),
    placeholderData: (before) => before,
  });
  const containers = useMemo(() => containersOf(pod.data), [pod.data]);
  const chosen = container || containers[0] || "";
  const target = useMemo(
    () => ({
      application: name,
      appNamespace: namespace,
      project,
      namespace: node.namespace ?? "",
      pod: node.name,
      container: chosen,
      shell,
    }),
    [name, namespace, project, node.namespace, node.name, chosen, shell],
  );
  const error = permission.error ?? pod.error;
  if (error) return <p className="message message-bad">{messageOf(error)}</p>;
  if (permission.data === undefined || pod.data === undefined)
    return <div className="skeleton" style={{ height: 200 }} aria-busy="true" />;
  if (!permission.data)
    return (
      <p className="message" role="alert">
        You may not open terminals of this application. It takes the permission <code>exec, create</code> on{" "}
        <code>
          {project}/{name}
        </code>
        .
      </p>
    );
  if (stringAt(pod.data, "status", "phase") !== "Running")
    return <p className="message">Only a pod that runs can be entered.</p>;
  return (
    <section className={large ? "terminal-view large" : "terminal-view"} aria-label="Terminal">
      <div className="terminal-choices">
        <label>
          <span>Container</span>
          <select value={chosen} onChange={(event) => setContainer(event.target.value)}>
            {containers.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label>
          <span>Shell</span>
          <select value={shell} onChange={(event) => setShell(event.target.value)}>
            <option value="">the first there is</option>
            {shells.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <span className="grow" />
        <Button
          icon={large ? Minimize2 : Maximize2}
          look="quiet"
          label={large ? "Small again" : "Large"}
          onClick={() => setLarge(!large)}
        />
      </div>
      <Suspense fallback={<div className="skeleton" style={{ height: 200 }} aria-busy="true" />}>
        <TerminalScreen target={target} />
      </Suspense>
    </section>
  );
}

/** Those that run for as long as the pod does come first. */
function containersOf(pod: unknown): readonly string[] {
  return ["containers", "ephemeralContainers", "initContainers"]
    .flatMap((field) => listAt(pod, "spec", field))
    .filter(isObject)
    .flatMap((container) => stringAt(container, "name") ?? []);
}
