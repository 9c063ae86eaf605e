/** What an item does not go on from: it says why, begins with its first record, and leaves the same bytes. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EpochMs } from '../../schemas';
import { DAY_MS, HOUR_MS } from '../../schemas';
import { DEFAULT_RULES } from '../../processors/core';
import type { OpenArchive } from '../../streams/archive';
import { GrowingArchive, logsOf } from '../testing/growing-archive';
import {
  AHEAD_MS,
  BY,
  dayAt,
  eventful,
  killedAfter,
  optionsOf,
  planned,
  replayed,
  resultsOf,
} from '../testing/nights';
import type { Night } from '../testing/nights';
import { START } from '../testing/small-history';
import { writeJson } from './files';
import { itemFiles } from './item';
import type { PlanRequest } from './plan';

const PARTITIONS = 2;
const nights = mkdtempSync(join(tmpdir(), 'rescore-nights-'));
afterAll(() => rmSync(nights, { recursive: true }));

let worlds = 0;
/** A folder of its own, so that `latest` finds no other. */
const newWorld = (): string => join(nights, `world-${worlds++}`);

const flip = (file: string, at: number): void => {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1;
  writeFileSync(file, bytes);
};

const FIRST = dayAt(200);
const LAST = dayAt(300);
const records = eventful('e', 8, false);
let growing: GrowingArchive;
let then: OpenArchive;
let now: OpenArchive;
let expected: Record<string, string>;
beforeAll(async () => {
  growing = new GrowingArchive(logsOf(records, PARTITIONS), PARTITIONS);
  then = await growing.at(FIRST + AHEAD_MS);
  now = await growing.at(LAST + AHEAD_MS);
  const alone = planned(join(newWorld(), 'alone'), now, { endAt: LAST });
  await replayed(alone);
  expected = await resultsOf(alone);
});

async function firstNight(asked: Partial<PlanRequest> = {}, foldedBy = BY): Promise<Night> {
  const night = planned(join(newWorld(), 'first'), then, { endAt: FIRST, ...asked });
  await replayed(night, foldedBy);
  return night;
}

const after = ({ run }: Night): Night =>
  planned(join(run.directory, '..', 'second'), now, { endAt: LAST }, [run]);

/** It says why, and has the bytes of a run that nobody went before. */
async function beginsAnew(night: Night, why: RegExp): Promise<void> {
  const { takenUp, whys } = await replayed(night);
  const said = [...night.beginnings.flatMap(one => (one.why === null ? [] : [one.why])), ...whys];
  expect(said).toEqual([expect.stringMatching(why)]);
  expect(takenUp).toBe(0);
  expect(await resultsOf(night)).toEqual(expected);
}

test('what a copy that was killed has left does no harm, and the earlier folder is only read', async () => {
  const first = await firstNight();
  const [item] = first.plan.items;
  const bytes = (): Buffer[] =>
    Object.values(itemFiles(first.run, item!)).flatMap(file =>
      existsSync(file) ? [readFileSync(file)] : [],
    );
  const before = bytes();
  expect(before).toHaveLength(5);
  const second = after(first);
  const { vectors } = itemFiles(second.run, item!);
  for (const torn of [
    'torn',
    Buffer.concat([readFileSync(itemFiles(first.run, item!).vectors), Buffer.alloc(900)]),
  ]) {
    mkdirSync(join(vectors, '..'), { recursive: true });
    rmSync(itemFiles(second.run, item!).checkpoint, { force: true });
    writeFileSync(vectors, torn);
    expect((await replayed(second)).takenUp).toBe(second.beginnings[0]!.item.after!.records);
    expect(await resultsOf(second)).toEqual(expected);
  }
  expect(bytes()).toEqual(before);
});

type Damage = [what: string, damage: (files: ReturnType<typeof itemFiles>) => void, why: RegExp];
test.each<Damage>([
  [
    'a cut checkpoint',
    ({ checkpoint }) => truncateSync(checkpoint, 5_000),
    /first can't be read: .*not what was written/,
  ],
  ['a checkpoint that is gone', ({ checkpoint }) => rmSync(checkpoint), /first can't be read: ENOENT/],
  ['vectors that are gone', ({ vectors }) => rmSync(vectors), /first can't be read: ENOENT/],
  ['cut vectors', ({ vectors }) => truncateSync(vectors, 400), /first has other vectors than its item left/],
  ['one changed vector', ({ vectors }) => flip(vectors, 1_000), /first has other vectors than its item left/],
  ['an item that is made anew', ({ done }) => rmSync(done), /first does not have the item any more/],
  ['a note that is torn', ({ done }) => truncateSync(done, 20), /first can't be read: .*not JSON/],
])('%s, after the plan', async (_what, damage, why) => {
  const first = await firstNight();
  const second = after(first);
  expect(second.beginnings[0]!.why).toBeNull();
  damage(itemFiles(first.run, first.plan.items[0]!));
  await beginsAnew(second, why);
});

test.each<Damage>([
  [
    'a checkpoint that is gone',
    ({ checkpoint }) => rmSync(checkpoint),
    /^first does not have its checkpoint or its vectors/,
  ],
  ['an item that is not done', ({ done }) => rmSync(done), /^first has not replayed it/],
  ['a note that is torn', ({ done }) => truncateSync(done, 20), /^first has not replayed it/],
])('%s, before the plan', async (_what, damage, why) => {
  const first = await firstNight();
  damage(itemFiles(first.run, first.plan.items[0]!));
  await beginsAnew(after(first), why);
});

test.each<[what: string, asked: Partial<PlanRequest>, why: RegExp]>([
  [
    'another currency',
    { rules: { ...DEFAULT_RULES, currency: 'EUR' } },
    /^first was planned with another currency/,
  ],
  ['another kind of history', { kind: 'stream' }, /^first is of a stream history, this run of a raw one/],
  [
    'another begin',
    { startAt: START + DAY_MS },
    /^first begins at 2025-01-02T00:00Z, this run at 2025-01-01T00:00Z/,
  ],
  [
    'an end within a day',
    { endAt: FIRST - HOUR_MS },
    /^first ends at 2025-07-19T23:00Z, which is no midnight/,
  ],
])('%s', async (_what, asked, why) => beginsAnew(after(await firstNight(asked)), why));

test('an end that lies later', async () => {
  const later = planned(join(newWorld(), 'first'), now, { endAt: LAST + DAY_MS });
  await beginsAnew(after(later), /^first ends at 2025-10-29T00:00Z, after this run/);
});

test('what another release has folded, or two of them', async () => {
  const why = /^first folded it with another release/;
  const other = after(await firstNight({}, 'another program'));
  expect(other.beginnings[0]!.why).toMatch(why);
  await beginsAnew(other, why);
  const both = planned(join(newWorld(), 'first'), then, { endAt: FIRST });
  await killedAfter(1, { ...optionsOf(both, both.beginnings[0]!), foldedBy: 'another program' });
  await replayed(both);
  await beginsAnew(after(both), why);
  const replaced = after(await firstNight());
  const { takenUp, whys } = await replayed(replaced, 'a newer program');
  expect([takenUp, whys]).toEqual([0, [expect.stringMatching(why)]]);
});

test('a run that was planned and replayed anew meanwhile, for other days', async () => {
  const first = await firstNight();
  const second = after(first);
  await replayed(planned(first.run.directory, now, { endAt: FIRST + DAY_MS }));
  await beginsAnew(second, /^first does not have the item any more/);
});

test('a checkpoint that is of other days than its note', async () => {
  const [first, shorter] = [await firstNight(), await firstNight({ endAt: FIRST - 10 * DAY_MS })];
  const second = after(first);
  const [own, other] = [first, shorter].map(({ run, plan }) => itemFiles(run, plan.items[0]!).checkpoint);
  copyFileSync(other!, own!);
  await beginsAnew(second, /^first has a checkpoint of another item/);
});

test('a file of the archive that was changed', async () => {
  const changed = records.map(record =>
    record.recordAt === records[90]!.recordAt ? { ...record, recordAt: record.recordAt + 1 } : record,
  );
  const other = new GrowingArchive(logsOf(changed, PARTITIONS), PARTITIONS);
  const first = planned(join(newWorld(), 'first'), await other.at(FIRST + AHEAD_MS), { endAt: FIRST });
  await replayed(first);
  await beginsAnew(
    after(first),
    /^first was made of other files up to 2025-07-20T00:00Z than the archive has now/,
  );
});

test('of two partitions the one whose last day came late; the other goes on', async () => {
  const late = new GrowingArchive(logsOf(records, PARTITIONS), PARTITIONS);
  const asked = { kind: 'stream', endAt: LAST } as const;
  await late.at(FIRST - DAY_MS);
  const before = await late.at(FIRST + AHEAD_MS, ({ partition }) => partition === 1);
  const first = planned(join(newWorld(), 'first'), before, { ...asked, endAt: FIRST });
  await replayed(first);
  const whole = await late.at(LAST + AHEAD_MS);
  const second = planned(join(first.run.directory, '..', 'second'), whole, asked, [first.run]);
  const made = expect.stringMatching(/^first was made of other files up to/) as string;
  expect(second.beginnings.map(({ why }) => why)).toEqual([null, made]);
  const { takenUp } = await replayed(second);
  expect(takenUp).toBe(second.beginnings[0]!.item.after!.records);
  const alone = planned(join(newWorld(), 'alone'), whole, asked);
  await replayed(alone);
  expect(await resultsOf(second)).toEqual(await resultsOf(alone));
});

test('the latest run is the one that reaches furthest, item by item; what is no run of the archive is passed over', async () => {
  const world = newWorld();
  const night = (name: string, endAt: EpochMs, after: 'latest' | [] = []): Night =>
    planned(join(world, name), now, { endAt }, after);
  expect(night('alone', LAST, 'latest').beginnings[0]!.why).toBe(
    'No earlier run of this archive lies beside it.',
  );
  await replayed(night('b', FIRST));
  await replayed(night('a', FIRST + DAY_MS));
  night('not-replayed', FIRST + 2 * DAY_MS);
  const elsewhere = night('elsewhere', FIRST + 3 * DAY_MS);
  await replayed(elsewhere);
  const { source, ...rest } = elsewhere.plan;
  writeJson(elsewhere.run.at('plan.json'), { ...rest, source: { ...source, archive: 'another' } });
  for (const [name, text] of Object.entries({ torn: '{"vers', empty: '{}', list: '[]' })) {
    mkdirSync(join(world, name));
    writeFileSync(join(world, name, 'plan.json'), text);
  }
  writeFileSync(join(world, 'a-file'), '');
  mkdirSync(join(world, 'no-plan'));
  const last = night('last', LAST, 'latest');
  expect(last.beginnings[0]!.item.after!.run).toBe('../a');
  await replayed(last);
  expect(await resultsOf(last)).toEqual(expected);
});
