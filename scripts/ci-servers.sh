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

# What is missing, and the packages that bring it. RUNLEVEL keeps them from starting services of their own.
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
wanted=()
need() { command -v "$1" >/dev/null || wanted+=("${@:2}"); }
install() { apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }

# In one go, which is quicker; where one of them is not to be had, each on its own, so that the others come.
install_packages() {
  [ ${#wanted[@]} -gt 0 ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return
  say "installing ${wanted[*]}"
  apt-get update -qq >/dev/null
  install "${wanted[@]}" && return
  for package in "${wanted[@]}"; do install "$package"; done
}

say_what_is_missing() {
  command -v redis-server >/dev/null || say "There is no redis-server: its tests will be skipped."
  command -v promtool >/dev/null || say "There is no promtool: its test will be skipped."
  command -v chromium >/dev/null || say "There is no chromium: the report is not looked at in a browser."
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

need redis-server redis-server
need promtool prometheus
need chromium chromium fonts-dejavu-core
answers || need dockerd docker.io iptables
install_packages
say_what_is_missing
if ! answers; then
  command -v dockerd >/dev/null || give_up "There is no Docker engine, and none can be installed here."
  start_engine
fi
bash scripts/stand-ins.sh >&2 || give_up "The images could not be had."
