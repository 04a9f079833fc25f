// Every command that articles about GitOps with Argo CD quote, and what of it runs here. `argocd` is `driftless`, and
// hosts are those that are here; a command that is not ours is left out, with the reason.

interface Quoted {
  readonly command: string;
  /** What day.test.ts does for it. */
  readonly run?: string;
  readonly leftOut?: string;
}

const installing = "it installs Argo CD, in whose place driftless up runs";

export const quoted: readonly Quoted[] = [
  { command: "kubectl create namespace argocd", run: "namespace" },
  { command: "kubectl apply -n argocd -f …/install.yaml", leftOut: installing },
  { command: "helm repo add argo …; helm repo update", leftOut: installing },
  { command: "helm install argocd argo/argo-cd …", leftOut: installing },
  { command: "kubectl -n argocd get secret argocd-initial-admin-secret -o jsonpath=… | base64 -d", run: "password" },
  { command: "kubectl apply, of projects, applications, ApplicationSets, repository Secrets", run: "manifests" },
  {
    command: "kubectl apply, of Rollouts and AnalysisTemplates",
    leftOut: "the kinds of Argo Rollouts are not served yet",
  },
  {
    command: "kubectl apply, of an ExternalSecret",
    leftOut: "the kind is the External Secrets Operator's, which is no part of this",
  },
  { command: "kubectl edit, of what is managed: it is reverted", run: "drift" },
  { command: "git clone; …; git commit; git push, from a pipeline", run: "push" },
  {
    command: "kustomize edit set image",
    leftOut: "it is Kustomize's own program; the pipeline edits the file instead",
  },
  { command: "git revert; git push: it is rolled back", run: "revert" },
  { command: "argocd cluster add my-staging-cluster --name staging, production-us-east, …", run: "clusters" },
  {
    command: "argocd app create my-api-staging --repo … --path … --dest-server … --dest-namespace …",
    run: "application",
  },
];
