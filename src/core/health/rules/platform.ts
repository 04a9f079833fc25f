// Machines, clusters, storage, virtual machines, backups: what a platform is built of.
import type { HealthRule } from "../rule.ts";
import { condition, degraded, field, healthy, is, phases, progressing, ready, suspended } from "./words.ts";

const clusterApi = "https://cluster-api.sigs.k8s.io/reference/api";
const paused = [
  suspended(is("spec.paused", true), "Reconciliation is paused"),
  suspended({ field: "metadata.annotations.cluster\\.x-k8s\\.io/paused", there: true }, "Reconciliation is paused"),
];

/** What the providers of infrastructure write, by their contract. */
const provided = [
  ...paused,
  degraded({ field: "status.failureMessage" }, { messageFrom: "status.failureMessage" }),
  healthy(condition("Ready", "True"), { message: "" }),
  progressing(condition("Ready", "False")),
  healthy(is("status.ready", true), { message: "" }),
  progressing(is("status.ready", false), "Waiting to be ready"),
];

export const platform: readonly HealthRule[] = [
  {
    kinds: ["cluster.x-k8s.io/Cluster", "cluster.x-k8s.io/Machine", "cluster.x-k8s.io/MachinePool"],
    source: `${clusterApi}/reference`,
    when: [
      ...paused,
      degraded(field("status.phase", "Failed"), { messageFrom: "status.failureMessage" }),
      progressing(field("status.phase", "Pending", "Provisioning", "Deleting", "Scaling", "ScalingUp", "ScalingDown"), {
        messageFrom: "status.phase",
      }),
      degraded(condition("Ready", "False", "NodeStartupTimeout", "UnhealthyNode")),
      progressing(condition("Ready", "False")),
      progressing(condition("Available", "False")),
      healthy(field("status.phase", "Provisioned", "Running"), { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the controller" },
  },
  {
    kinds: [
      "cluster.x-k8s.io/MachineDeployment",
      "cluster.x-k8s.io/MachineSet",
      "controlplane.cluster.x-k8s.io/KubeadmControlPlane",
      "controlplane.cluster.x-k8s.io/RKE2ControlPlane",
      "controlplane.cluster.x-k8s.io/TalosControlPlane",
    ],
    source: `${clusterApi}/reference`,
    when: [
      ...paused,
      degraded(field("status.phase", "Failed"), { messageFrom: "status.failureMessage" }),
      degraded({ field: "status.failureMessage" }, { messageFrom: "status.failureMessage" }),
      progressing({ field: "status", empty: true }, "Waiting for the controller"),
      progressing({ field: "status.readyReplicas", below: "spec.replicas" }, "Machines are not ready yet"),
      progressing(condition("MachinesUpToDate", "False")),
      progressing(condition("Ready", "False")),
      progressing(condition("Available", "False")),
    ],
    otherwise: { health: "Healthy" },
  },
  {
    kinds: ["cluster.x-k8s.io/MachineHealthCheck"],
    source: "https://cluster-api.sigs.k8s.io/tasks/automated-machine-management/healthchecking",
    when: [
      degraded(condition("RemediationAllowed", "False")),
      progressing({ field: "status.currentHealthy", below: "status.expectedMachines" }, "Machines are not healthy"),
    ],
    otherwise: { health: "Healthy" },
  },
  ready("RefVersionsUpToDate", ["cluster.x-k8s.io/ClusterClass"], `${clusterApi}/reference`, {
    before: [
      progressing(condition("VariablesReconciled", "Unknown")),
      degraded(condition("VariablesReconciled", "False")),
      healthy(condition("VariablesReady", "True"), { message: "" }),
      degraded(condition("VariablesReady", "False")),
      healthy(condition("VariablesReconciled", "True"), { message: "" }),
    ],
  }),
  {
    kinds: [
      "infrastructure.cluster.x-k8s.io/*Cluster",
      "infrastructure.cluster.x-k8s.io/*Machine",
      "infrastructure.cluster.x-k8s.io/*MachinePool",
      "bootstrap.cluster.x-k8s.io/*Config",
    ],
    source: "https://cluster-api.sigs.k8s.io/developer/providers/contracts/infra-cluster",
    when: provided,
    otherwise: { health: "Progressing", message: "Waiting for the provider" },
  },
  {
    // What else the providers have: identities and templates have no status, and no health.
    kinds: ["infrastructure.cluster.x-k8s.io/*", "bootstrap.cluster.x-k8s.io/*"],
    source: "https://cluster-api.sigs.k8s.io/developer/providers/contracts/infra-cluster",
    when: provided.slice(paused.length),
  },
  ready(
    "ResourcesApplied",
    ["addons.cluster.x-k8s.io/ClusterResourceSet"],
    "https://cluster-api.sigs.k8s.io/tasks/cluster-resource-set",
    {},
  ),
  ready(
    "Ready",
    [
      "karpenter.sh/NodePool",
      "karpenter.sh/NodeClaim",
      "karpenter.k8s.aws/EC2NodeClass",
      "karpenter.azure.com/AKSNodeClass",
    ],
    "https://karpenter.sh/docs/concepts/nodepools/",
    {
      observed: "conditions",
      before: [progressing(condition("Launched", "False")), progressing(condition("Initialized", "False"))],
    },
  ),
  {
    kinds: [
      "snapshot.storage.k8s.io/VolumeSnapshot",
      "snapshot.storage.k8s.io/VolumeSnapshotContent",
      "groupsnapshot.storage.k8s.io/VolumeGroupSnapshot",
    ],
    source: "https://kubernetes.io/docs/concepts/storage/volume-snapshots/",
    when: [
      healthy(is("status.readyToUse", true), { message: "" }),
      degraded({ field: "status.error.message" }, { messageFrom: "status.error.message" }),
    ],
    otherwise: { health: "Progressing", message: "The snapshot is not ready to use yet" },
  },
  {
    kinds: ["longhorn.io/Volume"],
    source: "https://longhorn.io/docs/latest/monitoring/metrics/#volume",
    when: [
      degraded(field("status.robustness", "faulted"), "The volume is faulted: its data cannot be read"),
      progressing(field("status.robustness", "degraded"), "The volume is degraded: replicas are rebuilt"),
      healthy([field("status.state", "attached"), field("status.robustness", "healthy")], { message: "" }),
      healthy(field("status.state", "detached"), "The volume is detached"),
    ],
    otherwise: { health: "Progressing", messageFrom: "status.state", message: "Waiting for the volume" },
  },
  phases(
    "status.phase",
    ["ceph.rook.io/CephCluster"],
    "https://rook.io/docs/rook/latest/CRDs/Cluster/ceph-cluster-crd/#status",
    {
      healthy: [],
      messageFrom: "status.message",
      before: [
        degraded(field("status.phase", "Failure"), { messageFrom: "status.message" }),
        degraded(
          [field("status.phase", "Ready", "Connected"), field("status.ceph.health", "HEALTH_ERR")],
          "Ceph's health is HEALTH_ERR",
        ),
        healthy(field("status.phase", "Ready", "Connected"), { message: "" }),
      ],
    },
  ),
  phases(
    "status.phase",
    [
      "ceph.rook.io/CephBlockPool",
      "ceph.rook.io/CephFilesystem",
      "ceph.rook.io/CephFilesystemSubVolumeGroup",
      "ceph.rook.io/CephObjectStore",
      "ceph.rook.io/CephObjectStoreUser",
      "ceph.rook.io/CephObjectZone",
      "ceph.rook.io/CephNFS",
      "ceph.rook.io/CephRBDMirror",
      "ceph.rook.io/CephFilesystemMirror",
      "ceph.rook.io/CephClient",
    ],
    "https://rook.io/docs/rook/latest/CRDs/Block-Storage/ceph-block-pool-crd/",
    { healthy: ["Ready", "Connected", "Created"], degraded: ["Failure", "ReconcileFailed"] },
  ),
  phases(
    "status.phase",
    ["objectbucket.io/ObjectBucketClaim"],
    "https://rook.io/docs/rook/latest/Storage-Configuration/Object-Storage-RGW/ceph-object-bucket-claim/",
    {
      healthy: ["Bound"],
      degraded: ["Failed"],
    },
  ),
  {
    kinds: ["kubevirt.io/VirtualMachine"],
    source: "https://kubevirt.io/user-guide/user_workloads/lifecycle/#printable-status",
    when: [
      healthy(field("status.printableStatus", "Running"), { message: "" }),
      suspended(field("status.printableStatus", "Stopped", "Paused", "Halted"), {
        messageFrom: "status.printableStatus",
      }),
      degraded(
        field(
          "status.printableStatus",
          "CrashLoopBackOff",
          "ErrorUnschedulable",
          "ErrImagePull",
          "ImagePullBackOff",
          "ErrorPvcNotFound",
          "DataVolumeError",
        ),
        { messageFrom: "status.printableStatus" },
      ),
    ],
    otherwise: {
      health: "Progressing",
      messageFrom: "status.printableStatus",
      message: "Waiting for the virtual machine",
    },
  },
  phases(
    "status.phase",
    ["kubevirt.io/VirtualMachineInstance"],
    "https://kubevirt.io/user-guide/user_workloads/lifecycle/",
    {
      healthy: ["Running", "Succeeded"],
      degraded: ["Failed"],
      before: [suspended(condition("Paused", "True"))],
    },
  ),
  phases(
    "status.phase",
    ["cdi.kubevirt.io/DataVolume"],
    "https://github.com/kubevirt/containerized-data-importer/blob/main/doc/datavolumes.md",
    {
      healthy: ["Succeeded"],
      degraded: ["Failed"],
      suspended: ["Paused"],
    },
  ),
  {
    kinds: ["kubevirt.io/KubeVirt", "cdi.kubevirt.io/CDI", "hco.kubevirt.io/HyperConverged"],
    source: "https://kubevirt.io/user-guide/cluster_admin/updating_and_deletion/",
    when: [
      degraded(condition("Degraded", "True")),
      progressing(condition("Progressing", "True")),
      healthy(condition("Available", "True")),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the components" },
  },
  phases(
    "status.phase",
    [
      "velero.io/Backup",
      "velero.io/Restore",
      "velero.io/DataUpload",
      "velero.io/DataDownload",
      "velero.io/PodVolumeBackup",
      "velero.io/PodVolumeRestore",
      "velero.io/DeleteBackupRequest",
    ],
    "https://velero.io/docs/main/api-types/backup/",
    {
      healthy: ["Completed", "Processed"],
      degraded: [
        "Failed",
        "PartiallyFailed",
        "FailedValidation",
        "FinalizingPartiallyFailed",
        "WaitingForPluginOperationsPartiallyFailed",
      ],
      suspended: ["Canceled"],
      messageFrom: "status.failureReason",
    },
  ),
  phases(
    "status.phase",
    ["velero.io/BackupStorageLocation", "velero.io/BackupRepository", "velero.io/VolumeSnapshotLocation"],
    "https://velero.io/docs/main/api-types/backupstoragelocation/",
    {
      healthy: ["Available", "Ready"],
      degraded: ["Unavailable", "NotReady"],
      messageFrom: "status.message",
    },
  ),
  phases("status.phase", ["velero.io/Schedule"], "https://velero.io/docs/main/api-types/schedule/", {
    healthy: ["Enabled"],
    degraded: ["FailedValidation"],
    messageFrom: "status.validationErrors.*",
    before: [suspended(is("spec.paused", true), "The schedule is paused")],
  }),
];
