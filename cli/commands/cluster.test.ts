/** The commands around the topics of a cluster, on one real broker; each under topics of its own. */
import { describeWithServers, withBroker } from '../../streams/testing/describe';
import { consumeSuite } from './testing/consume-suite';
import { deadLettersSuite } from './testing/dead-letters-suite';
import { produceSuite } from './testing/produce-suite';
import { topicsSuite } from './testing/topics-suite';

describeWithServers('commands of a cluster', () => {
  const brokers = withBroker();

  describe('rescore topics', () => topicsSuite(brokers));
  describe('rescore produce', () => produceSuite(brokers));
  describe('rescore dead-letters and late-events', () => deadLettersSuite(brokers));
  describe('rescore consume', () => consumeSuite(brokers));
});
