/** Publishing without transactions, on a real broker: the contract, and that no commit is believed before its answer. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../cli/clock';
import { positionsAt } from '../../processors/state/state-store.contract';
import { describePublisher } from '../publisher.contract';
import { describeWithServers, withServers } from '../testing/describe';
import { Membership } from './membership';
import type { KafkaPublisher } from './publisher';
import { committedAs, message, outbox, publishedIn, publisherOf } from './testing/published.contract';
import { openKafkaWorld } from './testing/world';
import type { KafkaWorld } from './testing/world';
import { leaveGroupOf } from './wire/kafkajs-internals';

const SESSION_MS = 30_000;

interface Member {
  membership: Membership;
  publisher: KafkaPublisher;
  partitions: () => readonly number[];
}

describeWithServers('a publisher without transactions', () => {
  const servers = withServers();
  let world: KafkaWorld;
  const members: Member[] = [];
  const opened = async (): Promise<KafkaWorld> =>
    (world = await openKafkaWorld(servers().brokers, { clock: systemClock }));
  const leave = async (): Promise<void> => {
    for (const { membership } of members.splice(0)) await membership.leave();
  };

  /** Until it may commit, of so many partitions. */
  async function member(share = 2): Promise<Member> {
    const { kafka, application, topicPrefix } = world;
    let partitions: readonly number[] = [];
    const membership: Membership = new Membership({
      kafka,
      groupId: application,
      topicPrefix,
      unitSize: 1,
      sessionTimeoutMs: SESSION_MS,
      instance: randomUUID(),
      memory: { recall: () => Promise.resolve(null), remember: () => Promise.resolve() },
      held: () => [],
      onAssigned: assigned => void (partitions = assigned),
      onFatal: error => {
        throw error;
      },
    });
    const publisher = world.publisher({ generation: () => membership.generation() });
    const one = { membership, publisher, partitions: () => partitions };
    members.push(one);
    await membership.connect();
    await membership.subscribe();
    await membership.join();
    await mayCommit(one, share);
    return one;
  }

  async function mayCommit({ membership, partitions }: Member, share: number): Promise<void> {
    const isReady = (): boolean => {
      try {
        membership.generation();
        return partitions().length === share;
      } catch {
        return false;
      }
    };
    while (!isReady()) await systemClock.sleep(20);
  }

  const ids = async (): Promise<string[]> => (await publishedIn(world)).map(({ id }) => id).sort();

  describePublisher('Kafka without transactions', async () => {
    await opened();
    const { publisher } = await member();
    const contract = await publisherOf(world, servers().redis, publisher);
    return {
      ...contract,
      close: async () => {
        await leave();
        await contract.close();
      },
    };
  });

  describe('positions', () => {
    beforeEach(async () => void (await opened()));
    afterEach(async () => {
      await leave();
      await world.close();
    });

    test('who is no member any more is told that nothing was committed', async () => {
      const { membership, publisher } = await member();
      await publisher.fence(0);
      await publisher.publish(0, outbox([message('before')], 1));
      await membership.leave();
      await expect(publisher.publish(0, outbox([message('after')], 2))).rejects.toThrow('is over');
      await expect(publisher.fence(0)).rejects.toThrow('not known to be a member');
      expect(await ids()).toEqual(['before']);
      expect(await world.log.committed(0)).toMatchObject(positionsAt(1));
    });

    test('a generation that ended unseen commits nothing, now or after the next join; fenced again, it does', async () => {
      const one = await member();
      const { membership, publisher } = one;
      await publisher.fence(0);
      await publisher.publish(0, outbox([message('before')], 1));
      // Signed off by somebody else, as a restart does.
      await leaveGroupOf(membership.cluster, world.application, membership.memberId!);
      const memberId = membership.memberId;
      await expect(publisher.publish(0, outbox([message('unseen')], 2))).rejects.toThrow();
      expect(await world.log.committed(0)).toMatchObject(positionsAt(1));
      while (membership.memberId === memberId) await systemClock.sleep(20);
      await mayCommit(one, 2);
      expect(await world.log.committed(0)).toMatchObject(positionsAt(1));
      await expect(publisher.publish(0, outbox([message('unseen')], 2))).rejects.toThrow('fenced first');
      await publisher.fence(0);
      await publisher.publish(0, outbox([message('after')], 2, 7));
      await committedAs(world, 0, outbox([], 2, 7));
    });

    test('nobody commits a partition that the present generation has given to another member', async () => {
      const first = await member();
      await first.publisher.fence(0);
      await first.publisher.fence(1);
      const second = await member(1);
      await mayCommit(first, 1);
      const [kept, given] = [first.partitions()[0]!, second.partitions()[0]!];
      await first.publisher.fence(given);
      await expect(first.publisher.publish(given, outbox([message('late')], 1))).rejects.toThrow(
        "another member's",
      );
      await second.publisher.fence(given);
      await second.publisher.publish(given, outbox([message('owner')], 3, 9));
      await first.publisher.fence(kept);
      await first.publisher.publish(kept, outbox([message('own')], 1));
      expect(await ids()).toEqual(['own', 'owner']);
      await committedAs(world, given, outbox([], 3, 9));
    });
  });
});
