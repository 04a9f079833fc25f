// Databases, queues, search and their operators.
import type { HealthRule } from "../rule.ts";
import { condition, degraded, field, healthy, is, phases, progressing, ready, suspended } from "./words.ts";

const cnpg = "https://cloudnative-pg.io/documentation/current";
const initialized = field("status.currentState", "Initialized");
const hibernating = { field: "metadata.annotations.cnpg\\.io/hibernation", in: ["on"] };

export const dataServices: readonly HealthRule[] = [
  {
    kinds: [
      "kafka.strimzi.io/Kafka",
      "kafka.strimzi.io/KafkaConnect",
      "kafka.strimzi.io/KafkaConnector",
      "kafka.strimzi.io/KafkaTopic",
      "kafka.strimzi.io/KafkaUser",
      "kafka.strimzi.io/KafkaMirrorMaker",
      "kafka.strimzi.io/KafkaMirrorMaker2",
      "kafka.strimzi.io/KafkaBridge",
      "kafka.strimzi.io/KafkaAccess",
    ],
    source: "https://strimzi.io/docs/operators/latest/deploying#con-custom-resource-status-str",
    when: [
      suspended(condition("ReconciliationPaused", "True"), "Reconciliation is paused"),
      progressing(condition("NotReady", "True", "Creating")),
      degraded(condition("NotReady", "True")),
      healthy(condition("Ready", "True"), { message: "" }),
      degraded(condition("Ready", "False")),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the operator" },
  },
  {
    kinds: ["kafka.strimzi.io/KafkaRebalance"],
    source: "https://strimzi.io/docs/operators/latest/deploying#con-rebalance-optimization-proposals-str",
    when: [
      suspended(condition("ReconciliationPaused", "True"), "Reconciliation is paused"),
      degraded(condition("NotReady", "True")),
      suspended(condition("ProposalReady", "True"), "The proposal waits for approval"),
      suspended(condition("Stopped", "True"), "The rebalance is stopped"),
      healthy(condition("Ready", "True"), { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "The rebalance is under way" },
  },
  {
    // Pools of nodes carry warnings alone.
    kinds: ["kafka.strimzi.io/KafkaNodePool"],
    source: "https://strimzi.io/docs/operators/latest/deploying#config-node-pools-str",
    when: [degraded(condition("NotReady", "True")), healthy(field("status.nodeIds"))],
    otherwise: { health: "Progressing", message: "Waiting for nodes" },
  },
  {
    kinds: ["postgresql.cnpg.io/Cluster"],
    source: `${cnpg}/cluster_conf/`,
    when: [
      suspended([hibernating, condition("cnpg.io/hibernation", "True")], "The cluster is hibernated"),
      suspended(field("status.phase", "Waiting for user action"), { messageFrom: "status.phaseReason" }),
      degraded(
        {
          field: "status.phase",
          contains: [
            "unrecoverable",
            "cannot proceed",
            "unable to create",
            "failed",
            "not enough disk space",
            "unknown plugin",
            "cluster is in an invalid state",
          ],
        },
        { messageFrom: "status.phase" },
      ),
      healthy(field("status.phase", "Cluster in healthy state"), { message: "" }),
    ],
    otherwise: { health: "Progressing", messageFrom: "status.phase", message: "Waiting for the operator" },
  },
  phases("status.phase", ["postgresql.cnpg.io/Backup"], `${cnpg}/backup/`, {
    healthy: ["completed"],
    degraded: ["failed", "walArchivingFailing"],
    messageFrom: "status.error",
  }),
  {
    kinds: ["postgresql.cnpg.io/Database", "postgresql.cnpg.io/Publication", "postgresql.cnpg.io/Subscription"],
    source: `${cnpg}/declarative_database_management/`,
    when: [
      healthy(is("status.applied", true), { message: "" }),
      degraded(is("status.applied", false), { messageFrom: "status.message" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting to be applied" },
  },
  {
    kinds: ["postgresql.cnpg.io/ScheduledBackup"],
    source: `${cnpg}/backup/#scheduled-backups`,
    when: [suspended(is("spec.suspend", true), "Scheduled backups are suspended")],
    otherwise: { health: "Healthy" },
  },
  {
    kinds: ["postgresql.cnpg.io/Pooler"],
    source: `${cnpg}/connection_pooling/`,
    when: [
      progressing({ field: "status", empty: true }, "Waiting for the operator"),
      progressing(
        { field: "status.instances", below: "spec.instances", otherwise: 1 },
        "Waiting for instances of the pooler",
      ),
    ],
    otherwise: { health: "Healthy" },
  },
  phases(
    "status.PostgresClusterStatus",
    ["acid.zalan.do/postgresql"],
    "https://postgres-operator.readthedocs.io/en/latest/reference/cluster_manifest/",
    { healthy: ["Running"], degraded: ["CreateFailed", "UpdateFailed", "SyncFailed", "DeleteFailed", "Invalid"] },
  ),
  {
    kinds: ["postgres-operator.crunchydata.com/PostgresCluster"],
    source: "https://access.crunchydata.com/documentation/postgres-operator/latest/",
    when: [
      suspended(is("spec.shutdown", true), "The cluster is shut down"),
      degraded(condition("PersistentVolumeResizeError", "True")),
      progressing(condition("Progressing", "True")),
      progressing({ field: "status.instances", empty: true }, "Waiting for instances"),
    ],
    otherwise: { health: "Healthy" },
  },
  {
    kinds: ["elasticsearch.k8s.elastic.co/Elasticsearch"],
    source: "https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/elasticsearch-deployment-quickstart",
    when: [
      degraded(field("status.phase", "Invalid", "RoutingTableInvalid"), { messageFrom: "status.conditions.*.message" }),
      progressing(field("status.phase", "ApplyingChanges", "MigratingData", "NodeShutdownStalled"), {
        messageFrom: "status.phase",
      }),
      healthy(field("status.health", "green"), { message: "" }),
      progressing(field("status.health", "yellow"), "Elasticsearch's health is yellow"),
      degraded(field("status.health", "red"), "Elasticsearch's health is red"),
    ],
    otherwise: { health: "Progressing", message: "Waiting for Elasticsearch" },
  },
  phases(
    "status.health",
    [
      "kibana.k8s.elastic.co/Kibana",
      "apm.k8s.elastic.co/ApmServer",
      "enterprisesearch.k8s.elastic.co/EnterpriseSearch",
      "maps.k8s.elastic.co/ElasticMapsServer",
      "agent.k8s.elastic.co/Agent",
      "beat.k8s.elastic.co/Beat",
      "logstash.k8s.elastic.co/Logstash",
    ],
    "https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/kibana-instance-quickstart",
    {
      healthy: ["green"],
      degraded: ["red"],
      before: [
        progressing(field("status.associationStatus", "Pending"), "Waiting for the connection to Elasticsearch"),
      ],
    },
  ),
  phases(
    "status.phase",
    ["stackconfigpolicy.k8s.elastic.co/StackConfigPolicy"],
    "https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/elastic-stack-configuration-policies",
    {
      healthy: ["Ready"],
      degraded: ["Error", "Conflict", "Invalid"],
    },
  ),
  phases(
    "status.phase",
    ["opensearch.opster.io/OpenSearchCluster"],
    "https://docs.opensearch.org/docs/latest/tools/k8s-operator/",
    {
      healthy: ["RUNNING"],
      degraded: ["FAILED"],
    },
  ),
  phases(
    "status.phase",
    [
      "mongodbcommunity.mongodb.com/MongoDBCommunity",
      "mongodb.com/MongoDB",
      "mongodb.com/MongoDBOpsManager",
      "mongodb.com/MongoDBUser",
    ],
    "https://www.mongodb.com/docs/kubernetes-operator/current/",
    {
      healthy: ["Running", "Updated"],
      degraded: ["Failed", "Unsupported"],
      suspended: ["Disabled"],
      messageFrom: "status.message",
    },
  ),
  phases(
    "status.state",
    [
      "pxc.percona.com/PerconaXtraDBCluster",
      "psmdb.percona.com/PerconaServerMongoDB",
      "pgv2.percona.com/PerconaPGCluster",
      "ps.percona.com/PerconaServerMySQL",
    ],
    "https://docs.percona.com/percona-operator-for-mysql/pxc/",
    { healthy: ["ready"], degraded: ["error", "failed"], suspended: ["paused"], messageFrom: "status.message" },
  ),
  ready(
    "Ready",
    [
      "k8s.mariadb.com/MariaDB",
      "k8s.mariadb.com/MaxScale",
      "k8s.mariadb.com/Database",
      "k8s.mariadb.com/User",
      "k8s.mariadb.com/Grant",
      "k8s.mariadb.com/Connection",
    ],
    "https://github.com/mariadb-operator/mariadb-operator/tree/main/docs",
    { before: [suspended(is("spec.suspend", true), "Reconciliation is suspended")], falseIs: "Progressing" },
  ),
  {
    kinds: ["rabbitmq.com/RabbitmqCluster"],
    source: "https://www.rabbitmq.com/kubernetes/operator/using-operator#status-conditions",
    when: [
      suspended(
        { field: "metadata.labels.rabbitmq\\.com/pauseReconciliation", is: "true" },
        "Reconciliation is paused",
      ),
      degraded(condition("ReconcileSuccess", "False")),
      progressing(condition("AllReplicasReady", "False")),
      progressing(condition("ClusterAvailable", "False")),
      healthy([condition("AllReplicasReady", "True"), condition("ClusterAvailable", "True")], { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the cluster" },
  },
  ready(
    "Ready",
    [
      "rabbitmq.com/Queue",
      "rabbitmq.com/Exchange",
      "rabbitmq.com/Binding",
      "rabbitmq.com/User",
      "rabbitmq.com/Vhost",
      "rabbitmq.com/Policy",
      "rabbitmq.com/Permission",
    ],
    "https://www.rabbitmq.com/kubernetes/operator/using-topology-operator",
  ),
  {
    kinds: ["minio.min.io/Tenant"],
    source: "https://min.io/docs/minio/kubernetes/upstream/operations/monitoring.html",
    when: [
      degraded(
        [initialized, field("status.healthStatus", "red")],
        "Drives or servers are offline: writing is not possible",
      ),
      progressing([initialized, field("status.healthStatus", "yellow")], "Some drives or servers are not online"),
      healthy(initialized, { message: "" }),
      degraded(
        {
          field: "status.currentState",
          starts: [
            "Statefulset not controlled",
            "Another MinIO Tenant already exists",
            "Different versions across MinIO Pools",
          ],
        },
        { messageFrom: "status.currentState" },
      ),
    ],
    otherwise: { health: "Progressing", messageFrom: "status.currentState", message: "Waiting for the tenant" },
  },
  phases(
    "status.phase",
    ["clickhouse.altinity.com/ClickHouseInstallation"],
    "https://docs.altinity.com/altinitykubernetesoperator/",
    {
      healthy: [],
      before: [
        healthy(field("status.status", "Completed"), { message: "" }),
        degraded(field("status.status", "Aborted"), { messageFrom: "status.error" }),
      ],
      messageFrom: "status.status",
    },
  ),
];
