/** Laws of a channel that lanes share, over a sender that only writes down what it is told. */
import * as fc from 'fast-check';
import { positionsAt } from '../../processors/state/state-store.contract';
import type { Outbox } from '../../processors/ports';
import { GroupChannel } from './group-channel';
import type { Publication, Sender } from './group-channel';

/** Of a clock that only the tests move: no stall of the machine comes between two lanes. */
const delay = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));
beforeEach(() => jest.useFakeTimers());
/** The result of what needs some time. */
async function passing<T>(work: Promise<T>, ms = 100): Promise<T> {
  await jest.advanceTimersByTimeAsync(ms);
  return work;
}

class RecordingSender implements Sender {
  readonly sent: number[][] = [];
  readonly begun: number[][] = [];
  settled = 0;

  begin(partitions: readonly number[]): void {
    this.begun.push([...partitions].sort());
  }
  async send(batch: readonly Publication[]): Promise<void> {
    this.sent.push(batch.map(({ partition }) => partition).sort());
    await delay(2);
  }
  settle(): Promise<void> {
    this.settled++;
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

const outbox = (batchNumber: number): Outbox => ({
  batchNumber,
  epoch: 1,
  from: positionsAt(batchNumber - 1),
  to: positionsAt(batchNumber),
  mail: [],
  messages: [],
});

let sender: RecordingSender;
let channel: GroupChannel;
const opened = async (...lanes: number[]): Promise<void> => {
  sender = new RecordingSender();
  channel = new GroupChannel(0, () => Promise.resolve(sender));
  await Promise.all(lanes.map(lane => channel.fence(lane)));
};
afterEach(async () => {
  await channel.close();
  jest.useRealTimers();
});

test('lanes that were announced share a transaction, although one comes later', async () => {
  await opened(0, 1, 2);
  for (const lane of [0, 1, 2]) channel.announce(lane);
  const published = [0, 1, 2].map(async lane => {
    await delay(lane);
    await channel.publish(lane, outbox(1));
  });
  await passing(Promise.all(published));
  expect(sender.sent).toEqual([[0, 1, 2]]);
});

test('who was announced and does not come is waited for once, and a moment', async () => {
  await opened(0, 1);
  channel.announce(0);
  channel.announce(1);
  const first = channel.publish(0, outbox(1));
  await jest.advanceTimersByTimeAsync(1);
  expect(sender.sent).toEqual([]);
  await passing(first, 20);
  const second = channel.publish(0, outbox(2));
  await jest.advanceTimersByTimeAsync(0);
  expect(sender.sent).toEqual([[0], [0]]);
  await passing(second);
});

test('a batch that is announced behind the one that is here keeps nobody waiting', async () => {
  await opened(0, 1);
  // Twice: the first is on its way to the channel when the second is begun.
  channel.announce(0);
  channel.announce(0);
  channel.announce(1);
  const first = Promise.all([channel.publish(0, outbox(1)), channel.publish(1, outbox(1))]);
  await jest.advanceTimersByTimeAsync(0);
  expect(sender.sent).toEqual([[0, 1]]);
  await passing(first, 5);
  const neighbour = channel.publish(1, outbox(2));
  await jest.advanceTimersByTimeAsync(1);
  expect(sender.sent).toHaveLength(1);
  await passing(Promise.all([neighbour, channel.publish(0, outbox(2))]));
  expect(sender.sent[1]).toEqual([0, 1]);
});

test('a lane that is fenced again is not expected any more', async () => {
  await opened(0, 1);
  channel.announce(1);
  await channel.fence(1);
  const published = channel.publish(0, outbox(1));
  await jest.advanceTimersByTimeAsync(0);
  expect(sender.sent).toEqual([[0]]);
  await passing(published);
});

test('a transaction begins with the first announcement, for those of the last one too', async () => {
  await opened(0, 1, 2);
  channel.announce(0);
  expect(sender.begun).toEqual([[0]]);
  await passing(Promise.all([channel.publish(0, outbox(1)), channel.publish(2, outbox(1))]));
  channel.announce(1);
  expect(sender.begun.at(-1)).toEqual([0, 1, 2]);
  await passing(channel.publish(1, outbox(1)));
});

test('who was not fenced with the producer announces nothing', async () => {
  await opened(0);
  channel.announce(1);
  await passing(channel.publish(0, outbox(1)));
  expect(sender.begun).toEqual([]);
});

test('a transaction that was begun for nobody is given up once, long before a broker would', async () => {
  await opened(0);
  const before = sender.settled;
  channel.announce(0);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(sender.settled).toBe(before + 1);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(sender.settled).toBe(before + 1);
});

test('whatever is announced, kept back or fenced meanwhile: every outbox goes out once, in the order of its lane', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ lane: fc.nat(3), announced: fc.nat(2), fences: fc.boolean(), after: fc.nat(2) }), {
        maxLength: 12,
      }),
      async turns => {
        await opened(0, 1, 2, 3);
        const order: string[] = [];
        const send = sender.send.bind(sender);
        sender.send = batch => {
          for (const {
            partition,
            outbox: { batchNumber },
          } of batch)
            order.push(`${partition}/${batchNumber}`);
          return send(batch);
        };
        const ends = [0, 1, 2, 3].map(async lane => {
          let number = 0;
          for (const turn of turns.filter(one => one.lane === lane)) {
            for (let at = 0; at < turn.announced; at++) channel.announce(lane);
            if (turn.fences) await channel.fence(lane);
            if (turn.after > 0) await delay(turn.after);
            await channel.publish(lane, outbox(++number));
          }
          return Array.from({ length: number }, (_, at) => `${lane}/${at + 1}`);
        });
        const expected = await passing(Promise.all(ends), 1_000);
        expected.forEach((lane, at) => expect(order.filter(one => one.startsWith(`${at}/`))).toEqual(lane));
        expect(order).toHaveLength(turns.length);
        await channel.close();
      },
    ),
    { numRuns: 50 },
  ));
