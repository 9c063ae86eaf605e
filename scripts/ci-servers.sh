#!/usr/bin/env bash
# Servers that the integration tests start for themselves, from the distribution's packages. Does nothing where they are
# there already; where they can't be installed, the tests that need them say so.
set -uo pipefail
command -v redis-server >/dev/null && exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "redis-server is missing and can't be installed here; the tests that need it will be skipped." >&2
  exit 0
fi
# RUNLEVEL keeps the package from starting a server of its own.
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server >/dev/null ||
  echo "redis-server could not be installed; the tests that need it will be skipped." >&2
exit 0
