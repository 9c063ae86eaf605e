#!/usr/bin/env bash
# What the integration tests need of the system: a Docker engine from the distribution's packages, and images of their
# servers (scripts/stand-ins.sh). Does nothing that is done already. Where it can't be had, the tests say so loudly.
#
#   ci-servers.sh        prepares; prints the pid of an engine that it started, and nothing otherwise
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "ci-servers: $*" >&2; }
give_up() { say "$* The tests that need servers will be skipped."; exit 0; }
answers() { docker version >/dev/null 2>&1; }

install_engine() {
  command -v dockerd >/dev/null && return
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || give_up "There is no Docker engine, and none can be installed here."
  say "installing docker.io"
  # RUNLEVEL keeps the package from starting a service of its own.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null || give_up "docker.io could not be installed."
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

if ! answers; then
  install_engine
  start_engine
fi
bash scripts/stand-ins.sh >&2 || give_up "The images could not be had."
