/** Images of the servers that tests start: pinned, and each replaceable by an environment variable. */
export const IMAGES = {
  kafka: process.env['IMAGE_KAFKA'] ?? 'apache/kafka:4.1.0',
  redis: process.env['IMAGE_REDIS'] ?? 'redis:7.4-bookworm',
  registry: process.env['IMAGE_REGISTRY'] ?? 'confluentinc/cp-schema-registry:7.9.1',
  s3: process.env['IMAGE_S3'] ?? 'motoserver/moto:5.1.15',
} as const;
