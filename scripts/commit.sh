#!/usr/bin/env bash
# Prints the commit that a build of this checkout is of, for manifests of models: HEAD, or `unknown` where what is compiled is
# not what was committed, or where this folder is no checkout. Never the HEAD of a repository that it merely lies in.
unset GIT_DIR GIT_WORK_TREE
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

commit() {
  local top changed
  top=$(git rev-parse --show-toplevel) && [ "$top" -ef . ] || return
  # `make baseline` leaves its models there; they are no part of what makes models.
  changed=$(git status --porcelain -- schemas processors streams models backfill cli ':(exclude)models/baseline') &&
    [ -z "$changed" ] && git rev-parse HEAD
}
commit 2>/dev/null || echo unknown
