/** The publisher over Kafka, on a real broker, with the store of a processor: the contract, fencing, transactions. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../cli/clock';
import { positionsAt } from '../../processors/state/state-store.contract';
import { OUTPUT_TOPICS } from '../../schemas';
import { describePublisher } from '../publisher.contract';
import { describeWithServers, withServers } from '../testing/describe';
import {
  committedAs,
  message,
  outbox,
  publishedIn,
  publisherOf,
  visibleIn,
} from './testing/published.contract';
import { openKafkaWorld } from './testing/world';
import type { KafkaWorld } from './testing/world';

describeWithServers('on a broker', () => {
  const servers = withServers();
  let world: KafkaWorld;
  const opened = async (): Promise<KafkaWorld> =>
    (world = await openKafkaWorld(servers().brokers, { clock: systemClock }));

  describePublisher('Kafka', async () => publisherOf(await opened(), servers().redis));

  describe('transactions', () => {
    beforeEach(async () => void (await opened()));
    afterEach(() => world.close());
    const ids = async (): Promise<string[]> => (await publishedIn(world)).map(({ id }) => id).sort();

    test('who was fenced publishes nothing more, neither messages nor positions, also for a neighbour', async () => {
      const [zombie, owner] = [world.publisher(), world.publisher()];
      for (const partition of [0, 1]) await zombie.fence(partition);
      await zombie.publish(0, outbox([message('before')], 1));
      await owner.fence(1);
      for (const partition of [0, 1])
        await expect(zombie.publish(partition, outbox([message('zombie')], 2))).rejects.toThrow();
      await owner.fence(0);
      await owner.publish(0, outbox([message('after')], 2, 7));
      expect(await ids()).toEqual(['after', 'before']);
      await committedAs(world, 0, outbox([], 2, 7));
      expect(await world.log.committed(1)).toBeNull();
    });

    test('a producer that a neighbour opened anew publishes nothing for who has not looked since', async () => {
      const [zombie, owner] = [world.publisher(), world.publisher()];
      for (const partition of [0, 1]) await zombie.fence(partition);
      await zombie.publish(0, outbox([message('first')], 1));
      // Lane 0 of the zombie has looked at its positions, and stands still before it publishes.
      for (const partition of [0, 1]) await owner.fence(partition);
      await owner.publish(0, outbox([message('second')], 2, 7));
      await owner.publish(0, outbox([message('third')], 3, 7));
      // Its lane 1 finds out that it was fenced, and fences in turn: that producer is the newest of all.
      await expect(zombie.publish(1, outbox([message('one')], 1))).rejects.toThrow();
      await zombie.fence(1);
      await expect(zombie.publish(0, outbox([message('second again')], 2))).rejects.toThrow(
        'must be fenced first',
      );
      await zombie.publish(1, outbox([message('one')], 1));
      expect(await ids()).toEqual(['first', 'one', 'second', 'third']);
      await committedAs(world, 0, outbox([], 3, 7));
    });

    test('who fences sees all that it has published, although the broker answers before it can be read', async () => {
      const publisher = world.publisher();
      await publisher.fence(0);
      for (let at = 1; at <= 40; at++) {
        const messages = OUTPUT_TOPICS.flatMap(topic =>
          ['kim', 'lee', 'anne'].map(key => ({ ...message(`${topic}-${key}-${at}`), topic, key })),
        );
        await publisher.publish(0, outbox(messages, at));
        await publisher.fence(0);
        expect(await world.log.committed(0)).toMatchObject(positionsAt(at));
      }
    });

    test('units are nobody’s rivals', async () => {
      const [first, second] = [world.publisher({ unitSize: 1 }), world.publisher({ unitSize: 1 })];
      await first.fence(0);
      await second.fence(1);
      await first.publish(0, outbox([message('first')], 1));
      await second.publish(1, outbox([message('second')], 1));
      expect(await ids()).toEqual(['first', 'second']);
    });

    test('after an error nothing goes out before it is fenced again, and then it is the older one that ends', async () => {
      const [first, second] = [world.publisher(), world.publisher()];
      await first.fence(0);
      await second.fence(0);
      await expect(first.publish(0, outbox([message('a')], 1))).rejects.toThrow();
      await expect(first.publish(0, outbox([message('a')], 1))).rejects.toThrow('must be fenced first');
      await first.fence(0);
      await first.publish(0, outbox([message('a')], 1));
      await expect(second.publish(0, outbox([message('b')], 2))).rejects.toThrow();
      expect(await ids()).toEqual(['a']);
    });

    test('lanes of a unit that are ready together share a transaction, and each commits its own', async () => {
      const publisher = world.publisher();
      for (const partition of [0, 1]) await publisher.fence(partition);
      const lanes = [0, 1].map(lane =>
        outbox([{ ...message(`lane-${lane}`), key: 'kim' }], 10 + lane, 3 + lane),
      );
      await Promise.all(lanes.map((ready, lane) => publisher.publish(lane, ready)));
      expect(await ids()).toEqual(['lane-0', 'lane-1']);
      for (const [lane, ready] of lanes.entries()) await committedAs(world, lane, ready);
      const written = await world.admin.fetchTopicOffsets(`${world.topicPrefix}sessions`);
      // Two records and the marker of one transaction.
      expect(written.map(({ high }) => Number(high)).sort()).toEqual([0, 3]);
    });

    test('what was announced goes out once and with its neighbour, and what was begun for nobody leaves nothing', async () => {
      const publisher = world.publisher();
      for (const partition of [0, 1]) await publisher.fence(partition);
      const batch = (lane: number, at: number) =>
        outbox([{ ...message(`lane-${lane}-${at}`), key: lane === 0 ? 'kim' : 'lee' }], at);
      for (let at = 1; at <= 20; at++) {
        for (const lane of [0, 1]) publisher.announce(lane);
        await Promise.all([0, 1].map(lane => publisher.publish(lane, batch(lane, at))));
      }
      // Begun for both, and one of them comes.
      for (const lane of [0, 1]) publisher.announce(lane);
      await publisher.publish(0, batch(0, 21));
      // Begun for both, and a fence comes instead.
      for (const lane of [0, 1]) publisher.announce(lane);
      await publisher.fence(1);
      await publisher.publish(1, batch(1, 21));
      const names = [0, 1].flatMap(lane => Array.from({ length: 21 }, (_, at) => `lane-${lane}-${at + 1}`));
      expect(await ids()).toEqual(names.sort());
      for (const lane of [0, 1]) await committedAs(world, lane, batch(lane, 21));
    });

    test('who has begun ahead and is fenced meanwhile publishes nothing more', async () => {
      const [zombie, owner] = [world.publisher(), world.publisher()];
      await zombie.fence(0);
      await zombie.publish(0, outbox([message('before')], 1));
      zombie.announce(0);
      // The broker has added what was announced when this is over.
      await systemClock.sleep(50);
      await owner.fence(0);
      await expect(zombie.publish(0, outbox([message('zombie')], 2))).rejects.toThrow();
      await owner.publish(0, outbox([message('after')], 2, 7));
      expect(await ids()).toEqual(['after', 'before']);
      await committedAs(world, 0, outbox([], 2, 7));
    });

    test('what fails on the way is not seen, of no lane and in no topic, and moves no position', async () => {
      const publisher = world.publisher();
      for (const partition of [0, 1]) await publisher.fence(partition);
      // A portion of its own that the topic refuses, behind one that it takes.
      const tooLarge = { ...message('large'), key: 'kim', value: randomBytes(2_000_000) };
      const failing = outbox([{ ...message('small'), key: 'kim' }, tooLarge], 1);
      const neighbour = outbox([message('neighbour', 'engagement-scores')], 1);
      const settled = await Promise.allSettled([
        publisher.publish(0, failing),
        publisher.publish(1, neighbour),
      ]);
      expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      expect(await visibleIn(world)).toEqual([]);
      await publisher.fence(1);
      await publisher.publish(1, neighbour);
      expect(await ids()).toEqual(['neighbour']);
      await committedAs(world, 1, neighbour);
      expect(await world.log.committed(0)).toBeNull();
    });

    test('a partition shows all of a transaction or nothing of it, however many portions it came in', async () => {
      const publisher = world.publisher();
      await publisher.fence(0);
      const size = 2_500;
      const batches = [1, 2, 3].map(at =>
        outbox(
          Array.from({ length: size }, () => ({ ...message(`batch-${at}`), key: 'kim' })),
          at,
        ),
      );
      let isOver = false;
      const publishing = (async () => {
        for (const batch of batches) await publisher.publish(0, batch);
      })().finally(() => void (isOver = true));
      for (let isLast = false; !isLast;) {
        isLast = isOver;
        const seen = (await (isLast ? publishedIn(world) : visibleIn(world))).map(({ id }) => id);
        const whole = Math.floor(seen.length / size);
        expect(seen.length).toBe(whole * size);
        for (let at = 0; at < whole; at++)
          expect(new Set(seen.slice(at * size, (at + 1) * size))).toEqual(new Set([`batch-${at + 1}`]));
        if (isLast) expect(whole).toBe(3);
      }
      await publishing;
    });
  });
});
