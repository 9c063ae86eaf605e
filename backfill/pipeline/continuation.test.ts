/** A run that goes on from an earlier one leaves the bytes of one that does not. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { GrowingArchive, logsOf } from '../testing/growing-archive';
import {
  AHEAD_MS,
  BY,
  dayAt,
  eventful,
  foldedIn,
  planned,
  replayed,
  resultsOf,
  withJumps,
} from '../testing/nights';
import type { Night } from '../testing/nights';
import { END } from '../testing/small-history';
import { streamArchive } from '../testing/stream-archive';

const PARTITIONS = 2;
const nights = mkdtempSync(join(tmpdir(), 'rescore-nights-'));
afterAll(() => rmSync(nights, { recursive: true }));

let worlds = 0;
/** A folder of its own, so that `latest` finds no other. */
const newWorld = (): string => join(nights, `world-${worlds++}`);

const threeDays = fc
  .tuple(fc.integer({ min: 30, max: 180 }), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }))
  .map(([first, second, third]) => [first, first + second, Math.max(270, first + second + third)] as const);

test('files: three nights, each after the one before, leave the bytes of the third alone, killed or not', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000_000), threeDays, async (seed, days) => {
      const [world, prefix] = [newWorld(), `s${seed}-`];
      const records = withJumps(eventful(prefix, 10, false), prefix);
      const growing = new GrowingArchive(logsOf(records, PARTITIONS), PARTITIONS);
      const chain: Night[] = [];
      for (const [number, day] of days.entries()) {
        const archive = await growing.at(dayAt(day) + AHEAD_MS);
        const night = planned(join(world, `night-${number}`), archive, { endAt: dayAt(day) }, 'latest');
        expect(night.plan.source.kind).toBe('raw');
        const before = number === 0 ? 0 : foldedIn(chain[number - 1]!);
        const { takenUp, decoded } = await replayed(night);
        expect(night.beginnings.map(({ why }) => why === null)).toEqual([number > 0]);
        expect([takenUp, decoded]).toEqual([before, foldedIn(night) - before]);
        chain.push(night);
      }
      const [, second, third] = chain as [Night, Night, Night];
      const alone = planned(join(world, 'alone'), third.archive, { endAt: dayAt(days[2]) });
      expect((await replayed(alone)).takenUp).toBe(0);
      const expected = await resultsOf(alone);
      expect(await resultsOf(third)).toEqual(expected);
      const killed = planned(join(world, 'killed'), third.archive, { endAt: dayAt(days[2]) }, [second.run]);
      await replayed(killed, BY, 1 + (seed % 2));
      expect(await resultsOf(killed)).toEqual(expected);
    }),
    { numRuns: 6 },
  );
}, 120_000);

test('a stream: mail, ticks, erasures and the end of sessions go on over midnight', async () => {
  const archive = await streamArchive(eventful('l', 8, true), PARTITIONS, END);
  const alone = planned(join(newWorld(), 'alone'), archive, { endAt: END });
  expect(alone.plan.source.kind).toBe('stream');
  await replayed(alone);
  const expected = await resultsOf(alone);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 328 }), async day => {
      const world = newWorld();
      const first = planned(join(world, 'first'), archive, { endAt: dayAt(day) });
      await replayed(first);
      const second = planned(join(world, 'second'), archive, { endAt: END }, 'latest');
      const { takenUp, decoded } = await replayed(second);
      expect([takenUp, decoded]).toEqual([foldedIn(first), foldedIn(second) - foldedIn(first)]);
      expect(await resultsOf(second)).toEqual(expected);
      const killed = planned(join(world, 'killed'), archive, { endAt: END }, [first.run]);
      await replayed(killed, BY, 1 + (day % 3));
      expect(await resultsOf(killed)).toEqual(expected);
    }),
    { numRuns: 6 },
  );
}, 120_000);
