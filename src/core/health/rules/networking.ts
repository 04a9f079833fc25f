// Gateway API, Istio, Contour, DNS: what traffic goes through.
import type { HealthRule } from "../rule.ts";
import { condition, degraded, field, healthy, phases, progressing, ready } from "./words.ts";

const gatewayApi = "https://gateway-api.sigs.k8s.io/reference/spec/";

export const networking: readonly HealthRule[] = [
  ready("Accepted", ["gateway.networking.k8s.io/GatewayClass"], gatewayApi, {
    observed: "conditions",
    passing: ["Pending", "Waiting"],
    waiting: "Waiting for a controller to accept it",
  }),
  {
    kinds: ["gateway.networking.k8s.io/Gateway", "gateway.networking.x-k8s.io/XListenerSet"],
    source: gatewayApi,
    observed: "conditions",
    when: [
      progressing(condition("Accepted", "False", "Pending")),
      degraded(condition("Accepted", "False")),
      progressing(condition("Programmed", "False", "Pending", "AddressNotAssigned")),
      degraded(condition("Programmed", "False")),
      healthy(condition("Programmed", "True")),
    ],
    otherwise: { health: "Progressing", message: "Waiting for a controller" },
  },
  {
    kinds: [
      "gateway.networking.k8s.io/HTTPRoute",
      "gateway.networking.k8s.io/GRPCRoute",
      "gateway.networking.k8s.io/TLSRoute",
      "gateway.networking.k8s.io/TCPRoute",
      "gateway.networking.k8s.io/UDPRoute",
    ],
    source: gatewayApi,
    conditions: "status.parents.*.conditions",
    observed: "conditions",
    when: [
      progressing(condition("Accepted", "False", "Pending")),
      degraded(condition("Accepted", "False")),
      degraded(condition("ResolvedRefs", "False")),
      progressing(condition("Accepted", "Unknown")),
      healthy(condition("Accepted", "True"), { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for a gateway to accept the route" },
  },
  {
    kinds: ["gateway.networking.k8s.io/BackendTLSPolicy", "gateway.networking.x-k8s.io/XBackendTrafficPolicy"],
    source: gatewayApi,
    conditions: "status.ancestors.*.conditions",
    observed: "conditions",
    when: [
      degraded(condition("Accepted", "False")),
      degraded(condition("ResolvedRefs", "False")),
      healthy(condition("Accepted", "True"), { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for a gateway to accept the policy" },
  },
  {
    kinds: ["gateway.envoyproxy.io/*"],
    source: "https://gateway.envoyproxy.io/docs/concepts/gateway_api_extensions/",
    conditions: "status.ancestors.*.conditions",
    observed: "conditions",
    when: [degraded(condition("Accepted", "False")), healthy(condition("Accepted", "True"), { message: "" })],
  },
  {
    kinds: [
      "sailoperator.io/Istio",
      "sailoperator.io/IstioRevision",
      "sailoperator.io/IstioCNI",
      "sailoperator.io/ZTunnel",
    ],
    source: "https://github.com/istio-ecosystem/sail-operator/tree/main/docs",
    when: [
      degraded(condition("Reconciled", "False")),
      progressing(condition("Ready", "False")),
      healthy(condition("Ready", "True"), { message: "" }),
    ],
    otherwise: { health: "Progressing", messageFrom: "status.state", message: "Waiting for the operator" },
  },
  phases(
    "status.status",
    ["install.istio.io/IstioOperator"],
    "https://istio.io/latest/docs/reference/config/istio.operator.v1alpha1/#InstallStatus-Status",
    {
      healthy: ["HEALTHY"],
      degraded: ["ERROR", "ACTION_REQUIRED"],
      messageFrom: "status.message",
    },
  ),
  {
    // Istio writes a status where it is told to; without one nothing is said.
    kinds: ["networking.istio.io/*", "security.istio.io/*", "telemetry.istio.io/*"],
    source: "https://istio.io/latest/docs/reference/config/config-status/",
    when: [
      degraded(
        { field: "status.validationMessages.*.level", is: "ERROR" },
        { messageFrom: "status.validationMessages.*.type.name" },
      ),
      degraded(condition("PassedValidation", "False")),
      progressing(condition("Reconciled", "False")),
      healthy(condition("Reconciled", "True"), { message: "" }),
      healthy(condition("PassedValidation", "True"), { message: "" }),
    ],
  },
  phases(
    "status.currentStatus",
    ["projectcontour.io/HTTPProxy"],
    "https://projectcontour.io/docs/main/config/fundamentals/#status-reporting",
    {
      healthy: ["valid"],
      degraded: ["invalid", "orphaned"],
      messageFrom: "status.description",
    },
  ),
  {
    kinds: ["route.openshift.io/Route"],
    source:
      "https://docs.openshift.com/container-platform/latest/rest_api/network_apis/route-route-openshift-io-v1.html",
    conditions: "status.ingress.*.conditions",
    when: [degraded(condition("Admitted", "False")), healthy(condition("Admitted", "True"), { message: "" })],
    otherwise: { health: "Progressing", message: "Waiting for a router to admit the route" },
  },
  {
    kinds: ["externaldns.k8s.io/DNSEndpoint"],
    source: "https://kubernetes-sigs.github.io/external-dns/latest/docs/sources/crd/",
    observed: "required",
    when: [],
    otherwise: { health: "Healthy" },
  },
  phases(
    "status.state",
    [
      "cis.f5.com/VirtualServer",
      "cis.f5.com/TransportServer",
      "k8s.nginx.org/VirtualServer",
      "k8s.nginx.org/VirtualServerRoute",
      "k8s.nginx.org/TransportServer",
      "k8s.nginx.org/Policy",
    ],
    "https://docs.nginx.com/nginx-ingress-controller/configuration/global-configuration/reporting-resources-status/",
    {
      healthy: ["Valid"],
      degraded: ["Invalid", "Warning"],
      messageFrom: "status.message",
      before: [
        healthy(field("status.status", "Ok", "OK"), { message: "" }),
        degraded(field("status.status", "ERROR"), { messageFrom: "status.error" }),
      ],
    },
  ),
];
