/** Laws of consistency: real lanes publish, the archive keeps, and every vector comes back; what was changed is found. */
import type { EngagementScore } from '../../schemas';
import { DAY_MS } from '../../schemas';
import { DEFAULT_RULES, DEFAULT_SETTINGS, FEATURE_NAMES, toVector } from '../../processors/core';
import { openArchive } from '../../streams/archive';
import { MemoryStorage } from '../../streams/archive/testing/worlds';
import { createAvroCodec } from '../../streams/avro/codec';
import { PUBLISHED, archiveOf, playedWorld, rowsOf } from '../testing/published-archive';
import type { Row, Rows } from '../testing/published-archive';
import { checkConsistency } from './check';
import type { CheckOptions } from './check';
import { archivedScores } from './published';
import { customerAt } from './one-score';

const { partitions: PARTITIONS, world: WORLD } = PUBLISHED;
const codec = createAvroCodec();

async function check(rows: Rows, more: Partial<CheckOptions> = {}) {
  const storage = await archiveOf(rows, new MemoryStorage());
  const archive = await openArchive(storage);
  return checkConsistency({
    log: archive.log(),
    codec,
    scores: archivedScores(storage, archive, codec),
    selection: { from: -Infinity, until: Infinity, share: 1 },
    notWhole: () => [],
    settings: DEFAULT_SETTINGS,
    rules: DEFAULT_RULES,
    ...more,
  });
}

let pristine: Rows;
let scores: { id: string; score: EngagementScore }[];
/** Rows of its own, so that a test may change them. */
const copy = (): Rows => new Map([...pristine].map(([place, rows]) => [place, [...rows]]));

beforeAll(async () => {
  const broker = await playedWorld();
  pristine = rowsOf(broker);
  scores = broker.published
    .filter(({ topic, value }) => topic === 'engagement-scores' && value !== null)
    .map(({ id, value }) => ({ id, score: codec.decodeOutput('engagement-scores', value!) }));
}, 120_000);

/** Changes the order completed last by somebody who has a score with its whole vector after it. */
function plantedIn(rows: Rows, change: (held: Row[], at: number) => void): void {
  for (const [place, held] of rows) {
    if (!place.startsWith('orders/')) continue;
    for (let at = held.length - 1; at >= 0; at--) {
      const { value } = held[at]!;
      const order = codec.decode('orders', value!);
      const partition = Number(place.split('/')[1]);
      const told = scores.some(
        ({ score }) =>
          score.customerId === order.userId &&
          score.vector !== null &&
          score.position.partition === partition &&
          score.position.orders > held[at]!.offset,
      );
      // Neither one that came twice nor the end of the archive, where nothing is missed.
      const isOnly =
        held.filter(row => codec.decode('orders', row.value!).messageId === order.messageId).length === 1;
      if (order.kind !== 'completed' || !told || !isOnly || at === held.length - 1) continue;
      change(held, at);
      return;
    }
  }
  throw new Error('the world has no such order');
}

test('every vector comes back, with ticks, mail, late and repeated events and silence in the world', async () => {
  const report = await check(copy());
  expect(report).toMatchObject({ scores: scores.length, checked: scores.length, differing: 0, missing: 0 });
  expect(new Set(scores.map(({ score }) => score.cause))).toEqual(new Set(['event', 'tick']));
  expect(scores.length).toBeGreaterThan(1_000);
  expect(report.wholeVectors).toBe(scores.filter(({ score }) => score.vector !== null).length);
  expect(report.wholeVectors / scores.length).toBeCloseTo(0.3, 1);
  for (const place of ['customer-mail', 'customer-commands'])
    expect(pristine.get(`${place}/0`)!.length).toBeGreaterThan(50);
});

test('the ids are those of the messages', async () => {
  const broker = new Set(scores.map(({ id }) => id));
  const storage = await archiveOf(copy(), new MemoryStorage());
  const archived = archivedScores(storage, await openArchive(storage), codec);
  const found: string[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++)
    for await (const { id, score } of archived(partition, -Infinity)) {
      expect(score.position.partition).toBe(partition);
      found.push(id);
    }
  expect(found).toHaveLength(scores.length);
  expect(new Set(found)).toEqual(broker);
});

test('scores of all lanes in one partition are found, whoever has the first file', async () => {
  const rows = copy();
  const places = [...rows.keys()].filter(place => place.startsWith('engagement-scores/'));
  const [first, ...rest] = places.sort().flatMap(place => rows.get(place)!);
  for (const place of places) rows.delete(place);
  rest.sort((one, other) => one.recordAt - other.recordAt);
  // On a day of its own, so in a file of its own.
  const all = [{ ...first!, recordAt: WORLD.startAt - DAY_MS }, ...rest];
  rows.set(
    'engagement-scores/0',
    all.map((row, offset) => ({ ...row, offset })),
  );
  const { length } = scores;
  expect(await check(rows)).toMatchObject({ scores: length, checked: length, differing: 0 });
});

test('a changed record is found, and the features are named with both values', async () => {
  const rows = copy();
  plantedIn(rows, (held, at) => {
    const order = codec.decode('orders', held[at]!.value!);
    order.order.revenueMinor = (order.order.revenueMinor ?? 0) + 12_300;
    held[at] = { ...held[at]!, value: Buffer.from(codec.encodeInput('orders', order)) };
  });
  const { differing, features, examples } = await check(rows);
  expect(differing).toBeGreaterThan(0);
  expect(Object.keys(features)).toContain('revenue_lifetime');
  const named = examples.find(example => example.features.length > 0)!;
  const published = scores.find(({ id }) => id === named.id)!;
  const at = FEATURE_NAMES.indexOf('revenue_lifetime');
  const difference = named.features.find(({ name }) => name === 'revenue_lifetime')!;
  expect(difference.published).toBe(published.score.vector![at]);
  expect(difference.recomputed! - difference.published!).toBeCloseTo(123, 3);
  expect(JSON.stringify(examples)).not.toContain(published.score.customerId);
});

test('a record that was left out is found, and only in scores after it', async () => {
  const rows = copy();
  let without: Row | null = null;
  plantedIn(rows, (held, at) => ([without] = held.splice(at, 1)));
  const { differing, examples } = await check(rows);
  expect(differing).toBeGreaterThan(0);
  for (const { id } of examples) {
    const { score } = scores.find(one => one.id === id)!;
    expect(score.position.orders).toBeGreaterThan(without!.offset);
  }
});

test('a changed score is found by its hash', async () => {
  const rows = copy();
  const [place, held] = [...rows].find(([name]) => name.startsWith('engagement-scores/'))!;
  const score = codec.decodeOutput('engagement-scores', held[4]!.value!);
  const value = Buffer.from(codec.encode('engagement-scores', { ...score, vectorHash: '0'.repeat(16) }));
  rows.set(place, held.with(4, { ...held[4]!, value }));
  expect(await check(rows)).toMatchObject({ differing: 1, features: {} });
});

test('in as many passes as memory allows the result is the same', async () => {
  const rows = copy();
  plantedIn(rows, (held, at) => held.splice(at, 1));
  const whole = await check(rows);
  const inPasses = await check(rows, { scoresAtOnce: 400 });
  expect({ ...inPasses, examples: [] }).toEqual({ ...whole, examples: [] });
});

test('a sample and a range are parts of the whole', async () => {
  const [from, until] = [WORLD.startAt + 20 * DAY_MS, WORLD.startAt + 40 * DAY_MS];
  const inRange = scores.filter(({ score: { asOf } }) => asOf >= from && asOf < until).length;
  const report = await check(copy(), { selection: { from, until, share: 0.5 } });
  expect(report).toMatchObject({ scores: inRange, differing: 0, missing: 0 });
  expect(report.checked / inRange).toBeGreaterThan(0.3);
  expect(report.checked / inRange).toBeLessThan(0.7);
});

test('of the scores only those days are read that a range can need', async () => {
  class Watched extends MemoryStorage {
    readonly names: string[] = [];
    override read(name: string) {
      this.names.push(name);
      return super.read(name);
    }
  }
  const storage = await archiveOf(copy(), new Watched());
  const archive = await openArchive(storage);
  const from = WORLD.startAt + (WORLD.days + 20) * DAY_MS;
  storage.names.length = 0;
  let found = 0;
  for await (const { score } of archivedScores(storage, archive, codec)(0, from))
    if (score.asOf >= from) found++;
  const wanted = scores.filter(({ score }) => score.position.partition === 0 && score.asOf >= from);
  expect(found).toBe(wanted.length);
  expect(found).toBeGreaterThan(0);
  const held = archive.files.filter(
    ({ topic, partition }) => topic === 'engagement-scores' && partition === 0,
  );
  expect(storage.names.length).toBeLessThan(0.8 * held.length);
});

test('what is not archived yet is missing, not different', async () => {
  const rows = copy();
  rows.set('web-events/1', rows.get('web-events/1')!.slice(0, 50));
  const { differing, missing, missingBecause } = await check(rows);
  expect({ differing, missingBecause }).toEqual({ differing: 0, missingBecause: { notArchived: missing } });
  expect(missing).toBeGreaterThan(0);
});

test('an archive that began later differs where it may', async () => {
  const rows = copy();
  rows.set('web-events/1', rows.get('web-events/1')!.slice(50));
  const report = await check(rows, { notWhole: partition => (partition === 1 ? ['web-events'] : []) });
  expect(report.differing).toBe(0);
  expect(report.missingBecause).toEqual({ historyNotWhole: report.missing });
  expect(report.missing).toBeGreaterThan(0);
  expect((await check(rows)).differing).toBe(report.missing);
});

test('one score alone has the vector that it was made of', async () => {
  const log = (await openArchive(await archiveOf(copy(), new MemoryStorage()))).log();
  const options = { log, codec, rules: DEFAULT_RULES, settings: DEFAULT_SETTINGS };
  for (const { score } of scores.filter(({ score: { vector } }) => vector !== null).slice(-5)) {
    const { facts } = await customerAt(score, options);
    const cells = [...toVector(facts, score.asOf)];
    expect(cells.map(value => (Number.isNaN(value) ? null : value))).toEqual(score.vector);
  }
});
