// A picture for a kind, so that a tree reads at a glance. Unknown kinds share one.
import {
  Box,
  Cog,
  Container,
  Copy,
  Database,
  FileText,
  Globe,
  HardDrive,
  KeyRound,
  Layers,
  Network,
  Puzzle,
  Rocket,
  ShieldCheck,
  Timer,
  User,
  Waypoints,
  type LucideIcon,
} from "lucide-react";

const icons: Readonly<Record<string, LucideIcon>> = {
  Application: Layers,
  AppProject: Layers,
  Deployment: Rocket,
  Rollout: Rocket,
  ReplicaSet: Copy,
  StatefulSet: Database,
  DaemonSet: Container,
  Pod: Box,
  Job: Cog,
  CronJob: Timer,
  Service: Network,
  EndpointSlice: Waypoints,
  Endpoints: Waypoints,
  Ingress: Globe,
  ConfigMap: FileText,
  Secret: KeyRound,
  ServiceAccount: User,
  Role: ShieldCheck,
  ClusterRole: ShieldCheck,
  RoleBinding: ShieldCheck,
  ClusterRoleBinding: ShieldCheck,
  NetworkPolicy: ShieldCheck,
  PodDisruptionBudget: ShieldCheck,
  PersistentVolumeClaim: HardDrive,
  PersistentVolume: HardDrive,
};

export function KindIcon({ kind }: { readonly kind: string }) {
  const Icon = icons[kind] ?? Puzzle;
  return <Icon size={17} strokeWidth={1.8} aria-hidden className="kind-icon" />;
}
