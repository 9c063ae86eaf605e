#!/usr/bin/env bash
# The programs of a Kubernetes control plane, built from their Go modules into .cache/kubernetes: k8s/cluster.test.ts starts
# them. Takes about 15 minutes of two cores, once. Does nothing for a program that is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
KUBERNETES=1.34.2
ETCD=3.6.4
OUT="$PWD/.cache/kubernetes"
mkdir -p "$OUT/src"
command -v go >/dev/null || { echo "kubernetes: there is no go: install Go 1.24 or newer." >&2; exit 1; }

# k8s.io/kubernetes takes its parts from folders beside it; from outside they are modules of their own, v0 instead of v1.
module() {
  cd "$OUT/src"
  printf 'module control-plane\n\ngo 1.24.0\n' >go.mod
  local file
  file=$(go mod download -json "k8s.io/kubernetes@v$KUBERNETES" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
  grep -oE '^[[:space:]]*k8s.io/[a-z-]+ => ./staging' "$file" | awk -v v="v0${KUBERNETES#1}" '{ print "replace " $1 " => " $1 " " v }' >>go.mod
  printf 'package main\n\nimport (\n\t_ "k8s.io/kubernetes/cmd/kube-apiserver/app"\n\t_ "k8s.io/kubernetes/cmd/kube-controller-manager/app"\n)\n\nfunc main() {}\n' >main.go
  go get "k8s.io/kubernetes@v$KUBERNETES" >/dev/null 2>&1
  go mod tidy >/dev/null 2>&1
}

for program in kube-apiserver kube-controller-manager; do
  [ -x "$OUT/$program" ] && continue
  [ -e "$OUT/src/main.go" ] || (module)
  echo "kubernetes: building $program $KUBERNETES" >&2
  (cd "$OUT/src" && go build -ldflags '-s -w' -o "$OUT/$program" "k8s.io/kubernetes/cmd/$program")
done
[ -x "$OUT/etcd" ] && exit
echo "kubernetes: building etcd $ETCD" >&2
mkdir -p "$OUT/src-etcd"
cd "$OUT/src-etcd"
printf 'module etcd\n\ngo 1.24.0\n' >go.mod
go get "go.etcd.io/etcd/server/v3@v$ETCD" >/dev/null 2>&1
go build -ldflags '-s -w' -o "$OUT/etcd" go.etcd.io/etcd/server/v3
