/** The commands around the topics of a cluster, on one real broker; each under topics of its own. */
import { describeWithServers } from '../../streams/testing/describe';
import { startKafka, type KafkaServer } from '../../streams/testing/servers';
import { consumeSuite } from './testing/consume-suite';
import { deadLettersSuite } from './testing/dead-letters-suite';
import { produceSuite } from './testing/produce-suite';
import { topicsSuite } from './testing/topics-suite';

describeWithServers('commands of a cluster', () => {
  let server: KafkaServer | null = null;
  const brokers = (): readonly string[] => server!.brokers;
  beforeAll(async () => void (server = await startKafka()), 180_000);
  afterAll(() => server?.stop(), 60_000);

  describe('rescore topics', () => topicsSuite(brokers));
  describe('rescore produce', () => produceSuite(brokers));
  describe('rescore dead-letters and late-events', () => deadLettersSuite(brokers));
  describe('rescore consume', () => consumeSuite(brokers));
});
