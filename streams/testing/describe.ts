/** Servers in tests: a describe that needs them, a Redis for the tests of a file, and a Kafka, shared or their own. */
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

interface WithRedis extends ServerAddresses {
  redisServer: RedisServer;
}

interface OwnServers extends WithRedis {
  kafkaServer: KafkaServer;
}

/** A broker of all test files, where `make test` has started one. */
const SHARED_BROKERS = process.env['TEST_KAFKA_BROKERS'];

/** For tests that do no harm to their broker. Call in a describe block; the answer is there once its tests run. */
export function withBroker(): () => readonly string[] {
  let own: KafkaServer | null = null;
  beforeAll(async () => {
    if (SHARED_BROKERS === undefined) own = await startKafka();
  }, 180_000);
  afterAll(() => own?.stop(), 60_000);
  return () => SHARED_BROKERS?.split(',') ?? own!.brokers;
}

/** The same with a Redis, which is always their own. */
export function withServers(): () => WithRedis {
  const brokers = withBroker();
  let redisServer: RedisServer | null = null;
  beforeAll(async () => void (redisServer = await startRedis()), 180_000);
  afterAll(() => redisServer?.stop(), 60_000);
  return () => ({ brokers: brokers(), redisServer: redisServer!, redis: redisServer!.address });
}

/** For tests that stop their broker. */
export function withOwnServers(): () => OwnServers {
  let started: OwnServers | null = null;
  beforeAll(async () => {
    const [kafkaServer, redisServer] = await Promise.all([startKafka(), startRedis()]);
    started = { kafkaServer, redisServer, brokers: kafkaServer.brokers, redis: redisServer.address };
  }, 180_000);
  afterAll(async () => {
    await Promise.all([started?.kafkaServer.stop(), started?.redisServer.stop()]);
  }, 60_000);
  return () => started!;
}
