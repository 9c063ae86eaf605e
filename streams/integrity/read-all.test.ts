/** What the verdict reads by our own reader is what Kafka's own consumer shows, aborted transactions and all. */
import { OUTPUT_TOPICS } from '../../schemas';
import { describeWithServers, withServers } from '../testing/describe';
import { consoleConsumer } from '../testing/servers';
import { readAll } from './read-all';
import { Scenario } from './scenario';

/** By topic and partition: offsets and ids in the order of reading. */
function inOrder(
  read: readonly { topic: string; partition: number; offset: number; id: string }[],
): Map<string, string[]> {
  const places = new Map<string, string[]>();
  for (const { topic, partition, offset, id } of read) {
    const place = `${topic}/${partition}`;
    places.set(place, [...(places.get(place) ?? []), `${offset} ${id}`]);
  }
  return new Map([...places].sort(([a], [b]) => (a < b ? -1 : 1)));
}

describeWithServers('the reader of the verdict', () => {
  const servers = withServers();

  test('reads the same ids in the same order as the consumer of Kafka, and nothing that was aborted', async () => {
    const scenario = await Scenario.open({ ...servers(), seed: 26, rate: 200, partitions: 2 });
    try {
      const processor = scenario.processor('a');
      scenario.beginTraffic();
      for (const death of ['produced:3', 'produced:5', 'ending:4']) {
        processor.start({ DIE_AT: death });
        await processor.reaches(death);
        await processor.kill();
      }
      await scenario.endTraffic();
      processor.start();
      await scenario.rest();
      await scenario.atEnd();
      const { kafka, prefix } = scenario;
      const [address] = servers().brokers;
      const [ours, theirs, uncommitted] = await Promise.all([
        readAll(
          kafka,
          OUTPUT_TOPICS.map(topic => prefix + topic),
        ),
        ...(['read_committed', 'read_uncommitted'] as const).map(isolation =>
          consoleConsumer(address!, prefix, isolation).then(all => all.filter(({ id }) => id !== '')),
        ),
      ]);
      const read = ours.map(({ topic, partition, offset, headers }) => ({
        topic: topic.slice(prefix.length),
        partition,
        offset,
        id: String(headers?.find(([name]) => name === 'ce_id')?.[1] ?? ''),
      }));
      expect(inOrder(theirs!)).toEqual(inOrder(read));
      expect(read.length).toBeGreaterThan(100);
      expect(uncommitted!.length).toBeGreaterThan(read.length);
    } finally {
      await scenario.close();
    }
  }, 240_000);
});
