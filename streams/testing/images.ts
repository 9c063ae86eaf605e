/**
 * Images of the servers that tests start, and of what the processor's image is built on: pinned, and each replaceable
 * by an environment variable.
 */
export const IMAGES = {
  kafka: process.env['IMAGE_KAFKA'] ?? 'apache/kafka:4.1.0',
  redis: process.env['IMAGE_REDIS'] ?? 'redis:7.4-bookworm',
  registry: process.env['IMAGE_REGISTRY'] ?? 'confluentinc/cp-schema-registry:7.9.1',
  s3: process.env['IMAGE_S3'] ?? 'motoserver/moto:5.1.15',
  node: process.env['IMAGE_NODE'] ?? 'node:20-bookworm-slim',
} as const;

/**
 * Built by scripts/stand-ins.sh where the image of node cannot be pulled; that script reads the name here.
 * @public
 */
export const NODE_STAND_IN = 'rescore-stand-in-node:20';
