#!/usr/bin/env bash
# What the integration tests need of the system: redis-server and promtool, a Docker engine from the distribution's
# packages, and images of their servers (scripts/stand-ins.sh). Does nothing that is done already. Where something can't
# be had, the tests that need it say so loudly.
#
#   ci-servers.sh        prepares; prints the pid of an engine that it started, and nothing otherwise
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "ci-servers: $*" >&2; }
give_up() { say "$* The tests that need servers will be skipped."; exit 0; }
answers() { docker version >/dev/null 2>&1; }

# RUNLEVEL keeps packages from starting services of their own.
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
updated=
packages() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  say "installing $*"
  [ -n "$updated" ] || apt-get update -qq >/dev/null && updated=yes
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

install_tools() {
  command -v redis-server >/dev/null || packages redis-server || say "There is no redis-server: its tests will be skipped."
  command -v promtool >/dev/null || packages prometheus || say "There is no promtool: its test will be skipped."
  command -v chromium >/dev/null || packages chromium fonts-dejavu-core ||
    say "There is no chromium: the report is not looked at in a browser."
  command -v cfn-lint >/dev/null || [ -x k8s/fargate/.venv/bin/cfn-lint ] || timeout 300 make cfn-lint >&2 ||
    say "There is no cfn-lint: its test will be skipped."
}

install_engine() {
  command -v dockerd >/dev/null && return
  packages docker.io iptables || give_up "There is no Docker engine, and none can be installed here."
}

# With the storage that works here: overlay2, or vfs where that is not to be had.
start_engine() {
  mkdir -p .cache
  for storage in overlay2 vfs; do
    say "starting an engine ($storage)"
    dockerd --storage-driver "$storage" >.cache/dockerd.log 2>&1 </dev/null &
    local pid=$!
    for _ in $(seq 60); do
      answers && { echo "$pid"; return; }
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.5
    done
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  tail -3 .cache/dockerd.log >&2
  give_up "The engine did not start."
}

install_tools
if ! answers; then
  install_engine
  start_engine
fi
bash scripts/stand-ins.sh >&2 || give_up "The images could not be had."
