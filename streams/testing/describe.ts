/** Servers in tests: a describe that needs them, and one Kafka and one Redis for the tests of a file. */
import { hasEngine, startKafka, startRedis } from './servers';
import type { KafkaServer, RedisServer } from './servers';

/** Runs where a Docker engine answers; elsewhere it is skipped, and says so loudly. */
export function describeWithServers(name: string, body: () => void): void {
  if (hasEngine()) {
    describe(name, body);
    return;
  }
  process.stderr.write(
    `\n!!! SKIPPED: "${name}" needs a Docker engine, and none answers. Start one, or run scripts/ci-servers.sh as root.\n\n`,
  );
  describe.skip(name, body);
}

interface ServerAddresses {
  brokers: readonly string[];
  redis: string;
}

interface TestServers extends ServerAddresses {
  kafkaServer: KafkaServer;
  redisServer: RedisServer;
}

/** Call in a describe block; the answer is there once its tests run. */
export function withServers(): () => TestServers {
  let started: TestServers | null = null;
  beforeAll(async () => {
    const [kafkaServer, redisServer] = await Promise.all([startKafka(), startRedis()]);
    started = { kafkaServer, redisServer, brokers: kafkaServer.brokers, redis: redisServer.address };
  }, 180_000);
  afterAll(async () => {
    await Promise.all([started?.kafkaServer.stop(), started?.redisServer.stop()]);
  }, 60_000);
  return () => started!;
}
