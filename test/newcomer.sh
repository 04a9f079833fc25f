#!/usr/bin/env bash
# What a newcomer does, from a fresh clone to a running demo, with the commands that README.md gives: start, commit, break
# something by hand, delete a file, revert, pull the plug, start again, stop; and what goes wrong on other machines: a port
# in use, no git. Each step is checked with a deadline. Ends with 0 and one line if all is as it should be.
#
#   test/newcomer.sh            clones the commit that is checked out here into a temporary folder
#   KEEP=1 test/newcomer.sh     leaves that folder, with the logs, for looking at
#
# Needs bash, git, Node and npm; uses the kubectl of `npm run kube:build` where there is one, otherwise curl.
set -euo pipefail
set -m # each background job gets a process group of its own, so that Ctrl-C can be played

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/driftless-newcomer.XXXXXX")
clone=$work/driftless
data=$work/data
log=$work/start.log
group=
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.com GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.com

finish() {
  status=$?
  trap - EXIT
  if [ -n "$group" ]; then kill -KILL -- "-$group" 2>/dev/null || true; fi
  if [ -n "${KEEP:-}" ]; then echo "left in $work" >&2; else rm -rf "$work"; fi
  exit "$status"
}
trap finish EXIT

now() { node -p 'Date.now()'; }
said() { printf '  %s\n' "$*"; }
fail() {
  echo "newcomer: $*" >&2
  [ -s "$log" ] && { echo '--- the program said:' >&2; tail -n 40 "$log" >&2; }
  exit 1
}

# eventually SECONDS WHAT COMMAND...: asks again until the command succeeds.
eventually() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || fail "not in time: $what"
    sleep 0.1
  done
}

# --- the cluster, by kubectl where there is one, otherwise by its API ---
kubectl=
for candidate in "${XDG_CACHE_HOME:-$HOME/.cache}"/driftless/kubernetes/*/kubectl; do
  [ -x "$candidate" ] && kubectl=$candidate
done
kubeconfig_field() { sed -n "s/^ *$1: *//p" "$kubeconfig" | head -n 1 | tr -d '"'; }
# api METHOD PATH [MERGE-PATCH]
api() {
  kubeconfig_field certificate-authority-data | base64 -d >"$work/ca.crt"
  curl --silent --show-error --fail --cacert "$work/ca.crt" --request "$1" \
    --header "Authorization: Bearer $(kubeconfig_field token)" \
    --header 'Content-Type: application/merge-patch+json' ${3:+--data "$3"} "$(kubeconfig_field server)$2"
}
apps=/apis/apps/v1/namespaces/platform-api/deployments/platform-api
budgets=/apis/policy/v1/namespaces/platform-api/poddisruptionbudgets/platform-api
ready_replicas() {
  if [ -n "$kubectl" ]; then
    "$kubectl" --kubeconfig "$kubeconfig" -n platform-api get deployment platform-api -o 'jsonpath={.status.readyReplicas}'
  else
    api GET "$apps" | node -e 'process.stdout.write(String(JSON.parse(require("fs").readFileSync(0)).status.readyReplicas))'
  fi
}
has_replicas() { [ "$(ready_replicas)" = "$1" ]; }
scale_by_hand() {
  if [ -n "$kubectl" ]; then
    "$kubectl" --kubeconfig "$kubeconfig" -n platform-api scale deployment platform-api --replicas "$1" >/dev/null
  else
    api PATCH "$apps" "{\"spec\":{\"replicas\":$1}}" >/dev/null
  fi
}
has_budget() {
  if [ -n "$kubectl" ]; then
    "$kubectl" --kubeconfig "$kubeconfig" -n platform-api get poddisruptionbudget platform-api
  else
    api GET "$budgets"
  fi
}
has_no_budget() { ! has_budget; }

# --- the program ---
start() {
  : >"$log"
  (cd "$clone" && exec npm start -- --port 0 --git-port 0 --data-dir "$data") >"$log" 2>&1 </dev/null &
  group=$!
}
is_ready() { grep -q 'Ctrl-C stops' "$log"; }
ready_or_ended() { is_ready || ! kill -0 "$group"; }
# The program's own process, which the data directory's lock names.
program() { cut -d ' ' -f 1 "$data/lock"; }
facts() {
  page=$(sed -n 's/^ *Page *//p' "$log")
  login=$(sed -n 's/^ *Log in *admin *//p' "$log")
  repository=$(sed -n 's/^ *Repository *git clone *//p' "$log")
  kubeconfig=$(sed -n 's/^ *Cluster *export KUBECONFIG=//p' "$log")
  [ -n "$page" ] && [ -n "$login" ] && [ -n "$repository" ] && [ -s "$kubeconfig" ] || fail 'the welcome lacks something'
}
push() { git -C "$work/demo" commit --quiet --all -m "$1" && git -C "$work/demo" push --quiet; }

echo "A newcomer's first hour, on $(uname -s) with Node $(node -v)${kubectl:+, kubectl of the test cluster}"
[ -z "$(git -C "$root" status --porcelain)" ] || said 'note: what is not committed here is not in the clone'
git clone --quiet --no-local "$root" "$clone"

began=$(now)
start
eventually 900 'the first start' ready_or_ended
is_ready || fail 'the first start ended'
facts
said "first start, with installing and building: $(($(now) - began)) ms"

eventually 60 'the demo application is healthy' has_replicas 2
curl --silent --fail --output /dev/null "$page" || fail "the page at $page does not answer"
git clone --quiet "$repository" "$work/demo"

sed -i.before 's/replicas: 2/replicas: 4/' "$work/demo/apps/platform-api/deployment.yaml"
rm "$work/demo/apps/platform-api/deployment.yaml.before"
push 'More replicas'
eventually 30 'a commit becomes live' has_replicas 4
said 'a commit became live'

scale_by_hand 0
eventually 30 'a hand edit is reverted' has_replicas 4
said 'a hand edit was reverted'

eventually 10 'the disruption budget is there' has_budget
git -C "$work/demo" rm --quiet apps/platform-api/disruption-budget.yaml
push 'No disruption budget'
eventually 30 'a removed file is pruned' has_no_budget
said 'a removed file was pruned'

git -C "$work/demo" revert --no-edit HEAD >/dev/null
git -C "$work/demo" push --quiet
eventually 30 'a reverted commit brings the object back' has_budget
said 'a reverted commit brought it back'

kill -KILL "$(program)"
wait "$group" 2>/dev/null || true
before="$login $repository"
began=$(now)
start
eventually 60 'the second start' ready_or_ended
is_ready || fail 'the second start ended'
took=$(($(now) - began))
facts
[ "$before" = "$login $repository" ] || fail "after kill -9 it is another: $before, now $login $repository"
[ "$took" -lt 5000 ] || fail "the second start took $took ms, which is not under 5 s"
said "after kill -9, ready again in $took ms"
has_replicas 4 || eventually 10 'what was live still is' has_replicas 4
sed -i.before 's/replicas: 4/replicas: 3/' "$work/demo/apps/platform-api/deployment.yaml"
rm "$work/demo/apps/platform-api/deployment.yaml.before"
push 'Fewer replicas'
eventually 30 'a commit after the restart becomes live' has_replicas 3
said 'and it goes on'

# --- what goes wrong on other machines ---
# refused CODE WORDS COMMAND...: ends with that code and one sentence that has these words, never a stack trace.
refused() {
  local code=$1 words=$2 status=0
  shift 2
  (cd "$clone" && "$@") >"$work/refused.log" 2>&1 </dev/null || status=$?
  [ "$status" -eq "$code" ] || { cat "$work/refused.log" >&2; fail "exit code $status instead of $code: $words"; }
  grep -qi "$words" "$work/refused.log" || { cat "$work/refused.log" >&2; fail "no sentence says: $words"; }
  ! grep -qE '^ +at ' "$work/refused.log" || { cat "$work/refused.log" >&2; fail "a stack trace: $words"; }
}
port=${page##*:}
refused 4 "port ${port%/}" npm start -- --port "${port%/}" --git-port 0 --data-dir "$work/other"
said 'a port in use: a sentence, exit code 4'
refused 5 'in use by another Driftless' npm start -- --port 0 --git-port 0 --data-dir "$data"
said 'a data directory in use: a sentence, exit code 5'
refused 2 'no-such-flag' npm start -- --no-such-flag
mkdir "$work/bin"
for tool in node sh dirname; do ln -s "$(command -v "$tool")" "$work/bin/$tool"; done
refused 3 'needs git' env PATH="$work/bin" node tools/launch/start.mjs --port 0 --git-port 0 --data-dir "$work/other"
refused 3 'git' env PATH="$work/bin" bin/driftless up --port 0 --git-port 0 --data-dir "$work/other"
said 'no git: a sentence, exit code 3'

# --- Ctrl-C, as a terminal sends it: to every process of the group ---
pid=$(program)
kill -INT -- "-$group"
status=0
wait "$group" || status=$?
[ "$status" -eq 0 ] || fail "Ctrl-C ended it with exit code $status"
! kill -0 "$pid" 2>/dev/null || fail "process $pid runs on after Ctrl-C"
[ ! -e "$data/lock" ] || fail 'the data directory stayed locked'
group=
said 'Ctrl-C: stopped cleanly, exit code 0'
echo 'newcomer: all is as it should be'
