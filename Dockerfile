# The processor: `rescore` and what it needs at run time, nothing else. docs/containers.md says how to run it.
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Not npm ci: a lock that was made on one platform may leave the packages of the others out, and npm ci refuses that.
RUN npm install --no-save --loglevel=error
COPY . .
RUN node_modules/.bin/tsc -p tsconfig.build.json && rm -rf dist/.tsbuildinfo dist/bench dist/backfill && chmod +x dist/cli/main.js
# Inference comes with the binaries of every platform (290 MB); one is used.
RUN npm prune --omit=dev --no-save --loglevel=error \
  && cd node_modules/onnxruntime-node/bin/napi-v6 \
  && find . -mindepth 2 -maxdepth 2 ! -path "./$(node -p 'process.platform + "/" + process.arch')" -exec rm -rf {} +
# What the programs read beside their own code, under the same paths as in the source.
RUN mkdir runtime \
  && cp --parents -r package.json LICENSE dist node_modules models/baseline processors/state/redis/lua \
    schemas/avro streams/mapping/maps runtime

FROM ${NODE_IMAGE}
COPY --from=build /app/runtime /app
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
