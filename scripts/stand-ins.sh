#!/usr/bin/env bash
# Images of the servers that the integration tests start. Pulled where that is possible; where it is not, stand-ins under
# the same names: the same servers, from the distribution's packages, Maven Central, PyPI and the Go module proxy.
# The base of the processor's image has a stand-in under a name of its own, so that nobody takes it for the real one:
# `make images NODE_IMAGE=rescore-stand-in-node:20`.
# Does nothing for an image that is there. Needs a Docker engine, and root for a stand-in.
#
#   NO_PULL=1   do not try to pull
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
BUILD="$PWD/.cache/stand-ins"
SOURCES="$PWD/scripts/stand-ins"
BASE=rescore-stand-in-base:1
NODE_STAND_IN=$(sed -nE "s/^export const NODE_STAND_IN = '([^']+)'.*/\1/p" streams/testing/images.ts)
mkdir -p "$BUILD"

say() { echo "stand-ins: $*" >&2; }
image_of() { sed -nE "s/^ *$1: '([^']+)',\$/IMAGE_${1^^} \1/p" streams/testing/images.ts; }
name_of() { local variable default; read -r variable default < <(image_of "$1"); echo "${!variable:-$default}"; }
# A stand-in remembers what it was built from: an older one is built again, a pulled image is left alone.
RECIPE=$(cat scripts/stand-ins.sh scripts/stand-ins/*/* | sha256sum | cut -c1-16)
have() {
  local of
  of=$(docker image inspect -f '{{index .Config.Labels "rescore.stand-in"}}' "$1" 2>/dev/null) || return 1
  [ -z "$of" ] || [ "$of" = '<no value>' ] || [ "$of" = "$RECIPE" ]
}
pull() { [ -z "${NO_PULL:-}" ] && timeout 120 docker pull -q "$1" >/dev/null 2>&1; }
# A registry that refuses once will refuse every image.
wanted() { have "$1" && return 1; pull "$1" && return 1; NO_PULL=1; return 0; }
root_only() { [ "$(id -u)" = 0 ] || { say "$1 can be built by root only"; exit 1; }; }
# packages COMMAND PACKAGE
packages() {
  command -v "$1" >/dev/null && return
  root_only "$1"
  say "installing $2"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}
# logged LOG COMMAND...: says the end of what it said when it fails, and ends with it.
logged() { "${@:2}" >"$BUILD/$1.log" 2>&1 || { tail -5 "$BUILD/$1.log" >&2; exit 1; }; }

base() {
  have "$BASE" && return
  root_only "$BASE"
  local mirror
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -1)
  say "a base from the distribution's packages (about a minute)"
  rm -rf "$BUILD/root"
  logged debootstrap debootstrap --variant=minbase --include=openjdk-17-jre-headless,redis-server,python3,ca-certificates,libstdc++6 \
    bookworm "$BUILD/root" "$mirror"
  tar -C "$BUILD/root" --exclude=./var/cache/apt --exclude=./var/lib/apt/lists --exclude=./usr/share/doc -c . | docker import - "$BASE" >/dev/null
  rm -rf "$BUILD/root"
}

# build NAME FOLDER, with the Dockerfile on standard input
build() {
  logged build docker build -q --label "rescore.stand-in=$RECIPE" -t "$1" -f - "$2"
  say "$1 is built"
}

fetch_kafka() {
  mkdir -p "$BUILD/kafka"
  cp "$SOURCES"/kafka/* "$BUILD/kafka/"
  logged mvn mvn -q -B -f "$BUILD/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$BUILD/kafka/libs" -DincludeScope=runtime
  chmod +x "$BUILD"/kafka/*.sh
}
build_kafka() {
  build "$1" "$BUILD/kafka" <<DOCKERFILE
FROM $BASE
COPY libs /opt/kafka/libs
COPY *.sh /opt/kafka/bin/
RUN mkdir -p /var/lib/kafka/data && /opt/kafka/bin/archive-classes.sh
DOCKERFILE
}

fetch_redis() { mkdir -p "$BUILD/empty"; }
build_redis() {
  build "$1" "$BUILD/empty" <<DOCKERFILE
FROM $BASE
WORKDIR /data
CMD ["redis-server"]
DOCKERFILE
}

fetch_registry() {
  command -v go >/dev/null || return 0
  mkdir -p "$BUILD/registry"
  cp "$SOURCES"/registry/* "$BUILD/registry/"
  cd "$BUILD/registry"
  CGO_ENABLED=0 GOFLAGS=-mod=mod logged go go build -o registry .
}
build_registry() {
  command -v go >/dev/null || { say "no go: the registry's tests will not run"; return; }
  build "$1" "$BUILD/registry" <<DOCKERFILE
FROM $BASE
COPY registry /usr/local/bin/registry
CMD ["registry"]
DOCKERFILE
}

# Byte code is made in the image, and only of what the server needs: making all of it takes longer than fetching it.
fetch_s3() {
  logged pip python3 -m pip install -q --no-compile --disable-pip-version-check --upgrade --target "$BUILD/s3/packages" --python-version 3.11 --only-binary=:all: 'moto[server,s3]==5.1.15'
}
build_s3() {
  build "$1" "$BUILD/s3" <<DOCKERFILE
FROM $BASE
COPY packages /opt/moto
ENV PYTHONPATH=/opt/moto
RUN python3 -c 'import moto.server, moto.s3.models, moto.s3.urls'
CMD ["python3", "-m", "moto.server", "-H0.0.0.0", "-p5000"]
DOCKERFILE
}

# This machine's node and npm, and the authorities that it trusts: npm works in the image where it works out here.
fetch_node() {
  local modules
  modules=$(dirname "$(dirname "$(dirname "$(readlink -f "$(type -P npm)")")")")
  rm -rf "$BUILD/node"
  mkdir -p "$BUILD/node/npm"
  cp -L "$(type -P node)" "$BUILD/node/node"
  cp -a "$modules/npm/." "$BUILD/node/npm"
  cp -L /etc/ssl/certs/ca-certificates.crt "$BUILD/node/authorities.pem"
}
build_node() {
  build "$NODE_STAND_IN" "$BUILD/node" <<DOCKERFILE
FROM $BASE
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY authorities.pem /etc/ssl/certs/ca-certificates.crt
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && useradd --uid 1000 --create-home node
DOCKERFILE
}

missing=()
for server in kafka redis registry s3 node; do
  wanted "$(name_of "$server")" || continue
  [ "$server" = node ] && have "$NODE_STAND_IN" && continue
  missing+=("$server")
done
[ ${#missing[@]} -gt 0 ] || exit 0
packages debootstrap debootstrap
packages mvn maven
packages python3 python3
# What goes into the images comes while their base is made.
declare -A fetching
for server in "${missing[@]}"; do
  "fetch_$server" &
  fetching[$server]=$!
done
base
for server in "${missing[@]}"; do
  wait "${fetching[$server]}" || { say "what goes into $server could not be fetched"; exit 1; }
  "build_$server" "$(name_of "$server")"
done
