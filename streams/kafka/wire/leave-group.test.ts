/** A predecessor is signed off while brokers move the group about: a start must not end by it. */
import type { Cluster } from 'kafkajs';
import { KafkaJSProtocolError } from 'kafkajs';
import { leaveGroupOf } from './kafkajs-internals';

const answered = (type: string, retriable: boolean): KafkaJSProtocolError =>
  Object.assign(new KafkaJSProtocolError(new Error(type)), { type, retriable });
const MOVED = answered('NOT_COORDINATOR_FOR_GROUP', true);

/** A group whose coordinator gives these answers, one a request, and then lets the member go. */
function groupThat(answers: readonly Error[]): { asked: string[]; leave: () => Promise<void> } {
  const asked: string[] = [];
  const coordinator = {
    leaveGroup: ({ memberId }: { memberId: string }): Promise<void> => {
      asked.push(memberId);
      const error = answers[asked.length - 1];
      return error === undefined ? Promise.resolve() : Promise.reject(error);
    },
  };
  const cluster = { findGroupCoordinator: () => Promise.resolve(coordinator) } as unknown as Cluster;
  return { asked, leave: () => leaveGroupOf(cluster, 'group', 'member', 0) };
}

test('a coordinator that has moved is looked for again, until the member is out', async () => {
  const group = groupThat([MOVED, answered('GROUP_LOAD_IN_PROGRESS', true)]);
  await group.leave();
  expect(group.asked).toEqual(['member', 'member', 'member']);
});

test('a group without a coordinator for seconds holds no start up: the member goes with its session', async () => {
  const group = groupThat(Array.from({ length: 99 }, () => MOVED));
  await group.leave();
  expect(group.asked).toHaveLength(10);
});

test('a member that is gone already is out', async () => {
  const group = groupThat([answered('UNKNOWN_MEMBER_ID', false)]);
  await group.leave();
  expect(group.asked).toHaveLength(1);
});

test.each([
  ['a right that is missing', answered('GROUP_AUTHORIZATION_FAILED', false)],
  ["an error that is no broker's", new Error('a mistake of ours')],
])('what no waiting mends is said: %s', async (_what, error) => {
  const group = groupThat([error]);
  await expect(group.leave()).rejects.toBe(error);
  expect(group.asked).toHaveLength(1);
});
