# Two images, docs/containers.md says how to run them:
#   --target processor   `rescore` and what it needs at run time, nothing else
#   --target backfill    the same with Python and the trainer, for the nightly backfill
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Not npm ci: a lock that was made on one platform may leave the packages of the others out, and npm ci refuses that.
# Inference comes with the binaries of every platform (290 MB); one is used.
RUN npm install --omit=dev --no-save --no-audit --no-fund --loglevel=error \
  && cd node_modules/onnxruntime-node/bin/napi-v6 \
  && find . -mindepth 2 -maxdepth 2 ! -path "./$(node -p 'process.platform + "/" + process.arch')" -exec rm -rf {} +
# The compiler lies apart: node_modules is what runs, and nothing has to be taken out of it again.
RUN npm install --prefix /compiler --no-save --no-audit --no-fund --loglevel=error \
  "$(node -p 'require("./package.json").devDependencies["typescript-native"].replace(/^npm:/, "")')"
COPY . .
RUN /compiler/node_modules/.bin/tsc -p tsconfig.image.json && chmod +x dist/cli/main.js
# For manifests of models: there is no git in here. `make images` and `make image-backfill` give it.
ARG COMMIT=unknown
RUN printf '{"commit":"%s"}\n' "$COMMIT" > dist/commit.json

FROM ${NODE_IMAGE} AS processor
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# What the programs read beside their own code, under the same paths as in the source.
COPY package.json LICENSE ./
COPY models/baseline models/baseline
COPY processors/state/redis/lua processors/state/redis/lua
COPY schemas/avro schemas/avro
COPY streams/mapping/maps streams/mapping/maps
RUN ln -s /app/dist/cli/main.js /usr/local/bin/rescore \
  && install -d -o 1000 -g 1000 /var/lib/rescore
# ONNX Runtime reports to its makers where it isn't told to leave that.
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 RESCORE_COLLECTOR_HOST=0.0.0.0
# Relative paths of the settings, and a rescore.yaml, are looked for here.
WORKDIR /var/lib/rescore
# By number, so that an orchestrator can see that it is not root.
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.RESCORE_COLLECTOR_PORT ?? 8080}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1, so that SIGTERM reaches it and lanes finish what they have begun.
# Objects of a batch live for some tens of milliseconds: with V8's 16 MB for young ones most of them are copied twice
# before they die (docs/cluster.md, "Memory of the processor").
ENTRYPOINT ["node", "--max-semi-space-size=64", "/app/dist/cli/main.js"]
CMD ["run"]

# Pinned packages of the trainer, in an environment at the path that it will have.
FROM ${NODE_IMAGE} AS trainer
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 python3-venv ca-certificates >/dev/null
WORKDIR /app/backfill/trainer
COPY backfill/trainer/requirements.txt ./
# What a wheel brings for building and testing against it, and pip itself, are of no use at run time.
RUN python3 -m venv .venv \
  && .venv/bin/pip install --quiet --no-compile --no-cache-dir --disable-pip-version-check --only-binary=:all: \
    --cert /etc/ssl/certs/ca-certificates.crt -r requirements.txt \
  && .venv/bin/pip uninstall --quiet --yes setuptools pip \
  && rm -rf .venv/lib/python3*/site-packages/onnx/backend/test \
  && find .venv -type d \( -name tests -o -name include \) -prune -exec rm -rf {} +
COPY backfill/trainer/rescore_trainer rescore_trainer
# Byte code of what it imports: the root is read-only when it runs.
RUN .venv/bin/python -m rescore_trainer --help >/dev/null

FROM processor AS backfill
USER root
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 >/dev/null && rm -rf /var/lib/apt/lists/*
COPY --from=trainer /app/backfill/trainer /app/backfill/trainer
# Fargate makes volumes that only root can write to, unless the image declares the folder; then it has the owner's rights.
RUN install -d -o 1000 -g 1000 -m 0700 /key
VOLUME ["/tmp", "/key"]
USER 1000:1000
# Steps of a night come and go; nothing listens.
HEALTHCHECK NONE
CMD ["backfill", "--help"]
