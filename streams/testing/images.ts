/**
 * Images of the servers that tests start, and of what the processor's image is built on: pinned, and each replaceable
 * by an environment variable.
 */
export const PINNED = {
  kafka: 'apache/kafka:4.1.0',
  redis: 'redis:7.4-bookworm',
  registry: 'confluentinc/cp-schema-registry:7.9.1',
  s3: 'motoserver/moto:5.1.15',
  node: 'node:20-bookworm-slim',
} as const;

type Image = keyof typeof PINNED;

/** The pinned ones, or what IMAGE_KAFKA, IMAGE_REDIS and so on name. */
export const IMAGES = Object.fromEntries(
  Object.entries(PINNED).map(([name, pinned]) => [
    name,
    process.env[`IMAGE_${name.toUpperCase()}`] ?? pinned,
  ]),
) as Readonly<Record<Image, string>>;

/**
 * Built by scripts/stand-ins.sh where the image of node cannot be pulled; that script reads the name here.
 * @public
 */
export const NODE_STAND_IN = 'rescore-stand-in-node:20';
