/** Laws of a queue: whatever was fetched, forgotten and fetched again, a reader has each record once, in order. */
import * as fc from 'fast-check';
import { OffsetOutOfRangeError } from '../../processors/ports';
import type { LogRecord } from '../../processors/ports';
import { TopicQueue } from './topic-queue';

const recordAt = (offset: number): LogRecord => ({
  topic: 'orders',
  partition: 0,
  offset,
  recordAt: offset,
  key: `key-${offset}`,
  value: new Uint8Array(offset % 7),
});
const recordsAt = (...offsets: number[]): LogRecord[] => offsets.map(recordAt);

const openAt = (from: number): TopicQueue => {
  const queue = new TopicQueue('orders', 0);
  queue.goTo(from);
  return queue;
};
const offsetsOf = ({ records }: { records: readonly LogRecord[] }): number[] =>
  records.map(({ offset }) => offset);
const refusal = (): OffsetOutOfRangeError => new OffsetOutOfRangeError('orders', 0, 5, 8, 9);

/** A log with gaps, and a broker's answer to a fetch of it. */
const anyLog = fc
  .array(fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(4)), { maxLength: 30 })
  .map(gaps => {
    let next = 0;
    const offsets = gaps.map(gap => (next += gap + 1) - 1);
    // Behind the last record, markers may take offsets.
    return { offsets, end: next + (gaps[0] ?? 0) };
  });
function answer({ offsets, end }: { offsets: readonly number[]; end: number }, from: number, most: number) {
  const found = offsets.filter(offset => offset >= from);
  const given = found.slice(0, most);
  const isAll = given.length === found.length;
  const nextOffset = isAll ? Math.max(from, end) : given.at(-1)! + 1;
  return { from, records: given.map(recordAt), nextOffset, logEnd: end, atEnd: isAll, askedAt: from };
}

type Step =
  | { does: 'answer'; most: number }
  | { does: 'take'; most: number }
  | { does: 'goTo'; from: number }
  | { does: 'late'; from: number };
const anySteps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ does: fc.constant('answer' as const), most: fc.integer({ min: 1, max: 9 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ does: fc.constant('take' as const), most: fc.integer({ min: 1, max: 5 }) }),
    },
    fc.record({ does: fc.constant('goTo' as const), from: fc.nat(40) }),
    { weight: 2, arbitrary: fc.record({ does: fc.constant('late' as const), from: fc.nat(40) }) },
  ),
  { maxLength: 40 },
);

describe('a reader', () => {
  test('has each record from its position on once, in order, in whatever pieces they come and go', () =>
    fc.assert(
      fc.property(anyLog, anySteps, (log, steps) => {
        const queue = openAt(0);
        let began = 0;
        let position = 0;
        let read: number[] = [];
        const take = (most: number): void => {
          const batch = queue.take(most);
          expect(batch.records.length).toBeLessThanOrEqual(most);
          read.push(...offsetsOf(batch));
          // What was read is before the position, what was not is behind it: a restart there loses nothing.
          expect(read).toEqual(log.offsets.filter(offset => offset >= began && offset < batch.nextOffset));
          expect(batch.nextOffset).toBeGreaterThanOrEqual(position);
          position = batch.nextOffset;
          if (batch.atEnd) expect(position).toBeGreaterThanOrEqual(log.end);
        };
        const run: Record<Step['does'], (step: never) => void> = {
          answer: ({ most }: { most: number }) =>
            expect(queue.arrive(answer(log, queue.fetchFrom, most))).toBe(true),
          take: ({ most }: { most: number }) => take(most),
          goTo: ({ from }: { from: number }) => {
            queue.goTo(from);
            if (from !== position) [began, position, read] = [from, from, []];
          },
          // Of a fetch that was sent before reading went elsewhere.
          late: ({ from }: { from: number }) => {
            const isForNow = from === queue.fetchFrom;
            expect(queue.arrive(answer(log, from, 9))).toBe(isForNow);
          },
        };
        for (const step of steps) run[step.does](step as never);
        queue.arrive(answer(log, queue.fetchFrom, 1_000));
        while (queue.waitingRecords > 0) take(3);
        take(3);
        expect(read).toEqual(log.offsets.filter(offset => offset >= began));
        expect(queue.waitingBytes).toBe(0);
      }),
      { numRuns: 500 },
    ));

  test('knows the end, and when it was seen, with the last page only', () => {
    const queue = openAt(0);
    queue.arrive({
      from: 0,
      records: recordsAt(0, 1, 2),
      nextOffset: 5,
      logEnd: 5,
      atEnd: true,
      askedAt: 77,
    });
    expect(queue.take(2)).toEqual({ topic: 'orders', records: recordsAt(0, 1), nextOffset: 2, atEnd: false });
    const last = { topic: 'orders', nextOffset: 5, atEnd: true, seenAt: 77 };
    expect(queue.take(2)).toEqual({ ...last, records: recordsAt(2) });
    expect(queue.take(2)).toEqual({ ...last, records: [] });
  });

  test('that is held takes nothing and is nowhere else', () => {
    const queue = openAt(0);
    queue.arrive({ from: 0, records: recordsAt(0, 1), nextOffset: 2, logEnd: 2, atEnd: true, askedAt: 1 });
    queue.take(1);
    expect(queue.hold()).toEqual({ topic: 'orders', records: [], nextOffset: 1, atEnd: false });
    expect(offsetsOf({ records: queue.peek(5) })).toEqual([1]);
    expect(offsetsOf(queue.take(5))).toEqual([1]);
  });
});

describe('going elsewhere', () => {
  const filled = (): TopicQueue => {
    const queue = openAt(0);
    queue.arrive({ from: 0, records: recordsAt(0, 1, 2), nextOffset: 3, logEnd: 3, atEnd: true, askedAt: 1 });
    return queue;
  };

  test('forgets what waits, its bytes and the end', () => {
    const queue = filled();
    expect([queue.waitingRecords, queue.waitingBytes > 600, queue.isAnswered]).toEqual([3, true, true]);
    queue.goTo(1);
    expect([queue.waitingRecords, queue.waitingBytes, queue.isAnswered]).toEqual([0, 0, false]);
    expect(queue.fetchFrom).toBe(1);
  });

  test('where the reader is already forgets nothing', () => {
    const queue = filled();
    queue.take(1);
    queue.goTo(1);
    expect(offsetsOf(queue.take(9))).toEqual([1, 2]);
  });

  test('makes an answer that is under way nobody’s, and so does closing', () => {
    const queue = filled();
    const underWay = { from: 3, records: recordsAt(3), nextOffset: 4, logEnd: 4, atEnd: true, askedAt: 2 };
    queue.goTo(1);
    expect([queue.arrive(underWay), queue.waitingRecords, queue.isAnswered]).toEqual([false, 0, false]);
    queue.refuse(3, refusal());
    expect(queue.isRefused).toBe(false);
    const closed = filled();
    closed.close();
    expect([closed.arrive(underWay), closed.waitingRecords, closed.waitingBytes]).toEqual([false, 0, 0]);
    closed.goTo(3);
    expect([closed.arrive(underWay), closed.waitingRecords]).toEqual([true, 1]);
  });
});

describe('a refusal', () => {
  test('is thrown when all that waits is taken, each time until reading goes elsewhere', () => {
    const queue = openAt(0);
    queue.arrive({
      from: 0,
      records: recordsAt(0, 1, 4),
      nextOffset: 5,
      logEnd: 5,
      atEnd: false,
      askedAt: 1,
    });
    queue.refuse(5, refusal());
    expect([queue.isAnswered, queue.isRefused]).toEqual([true, true]);
    expect(offsetsOf(queue.take(2))).toEqual([0, 1]);
    expect(offsetsOf(queue.take(2))).toEqual([4]);
    for (let time = 0; time < 2; time++) expect(() => queue.take(2)).toThrow(OffsetOutOfRangeError);
    queue.goTo(5);
    expect(() => queue.take(2)).toThrow('the lane asked for 5');
    queue.goTo(8);
    expect([queue.isAnswered, queue.isRefused]).toEqual([false, false]);
    expect(queue.take(2).records).toEqual([]);
  });
});
