/** Laws of the swap: one set of models a batch, nothing lost, no model used after its release, nothing kept for ever. */
import fc from 'fast-check';
import { DAY_MS } from '../../schemas';
import { VECTOR_WIDTH } from '../core';
import { agreementOf } from './agreement';
import { PlainSource, failing, following } from './testing/plain-models';
import { running } from './testing/running';

const vectorsOf = (shares: readonly number[]): Float32Array => {
  const vectors = new Float32Array(shares.length * VECTOR_WIDTH);
  shares.forEach((share, row) => (vectors[row * VECTOR_WIDTH] = share));
  return vectors;
};
const ROWS = 100;
const SHARES = Array.from({ length: ROWS }, (_, row) => row / ROWS);
const VECTORS = vectorsOf(SHARES);
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('whatever is swapped, whatever fails: a batch is of one set, every model is released once, none is used after', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant('batch' as const) },
    { weight: 2, arbitrary: fc.constantFrom('good', 'bad', 'shifted', 'shadow', 'badShadow') },
    fc.constantFrom('look', 'time', 'settle'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
      const source = new PlainSource();
      const { hot, follower, time } = await running(source);
      const batches: Promise<void>[] = [];
      let versions = 1;
      for (const what of steps) {
        const version = `v${++versions}`;
        if (what === 'good')
          source.publish(
            'churn',
            version,
            following(share => share * 0.99),
          );
        if (what === 'bad') source.publish('churn', version, failing);
        if (what === 'shifted')
          source.publish(
            'churn',
            version,
            following(share => 1 - share),
          );
        if (what === 'shadow') source.add('churn', version, following());
        if (what === 'badShadow') source.add('churn', version, failing);
        if (what === 'shadow' || what === 'badShadow')
          source.shadows.set('churn', { version, digest: null, sequence: versions, previous: null });
        if (what === 'look') await follower.look();
        if (what === 'time') time.now += 61_000;
        if (what === 'settle') await settled();
        if (what === 'batch') batches.push(checkedBatch());
      }
      await Promise.all(batches);
      hot.close();
      await settled();
      for (const model of source.opened)
        expect([model.version, model.released, model.isBroken]).toEqual([model.version, 1, false]);

      async function checkedBatch(): Promise<void> {
        const { raw, by } = await hot.scoreBatch(VECTORS, ROWS);
        expect(raw.churn).toHaveLength(ROWS);
        const version = by.constants.models.find(({ name }) => name === 'churn')!.version;
        const model = source.opened.find(one => one.name === 'churn' && one.version === version)!;
        const wanted = await Object.create(model, { released: { value: 0 } }).answer(VECTORS, ROWS);
        expect(raw.churn).toEqual(wanted);
      }
    }),
    { numRuns: 150 },
  );
});

test('a batch that the new model cannot answer is answered by the one before, and the new one goes', async () => {
  const source = new PlainSource();
  const { hot, follower, events } = await running(source);
  source.publish('churn', 'v2', failing);
  await follower.look();
  expect(hot.versionOf('churn')).toBe('v2');
  const { raw, by } = await hot.scoreBatch(VECTORS, ROWS);
  expect(by.constants.models).toContainEqual({ name: 'churn', version: 'v1' });
  expect(raw.churn).toEqual(await following()(VECTORS, ROWS));
  expect(events).toContainEqual(
    expect.objectContaining({
      kind: 'rolledBack',
      model: 'churn',
      reason: 'output',
      words: 'row 0 gave NaN',
    }),
  );
  expect(hot.metrics).toMatchObject({ answeredAgain: 1, rollbacks: { output: 1 }, behind: { churn: true } });
});

test('also long after its trial: what scored before is opened again', async () => {
  const source = new PlainSource();
  let isPoisoned = false;
  source.publish('churn', 'v2', (vectors, rows) => (isPoisoned ? failing : following())(vectors, rows));
  const { hot, events } = await running(source);
  isPoisoned = true;
  const answers = await Promise.all([hot.scoreBatch(VECTORS, ROWS), hot.scoreBatch(VECTORS, ROWS)]);
  for (const { by } of answers) expect(by.constants.models).toContainEqual({ name: 'churn', version: 'v1' });
  expect(source.tries.get('churn/v1')).toBe(1);
  expect(events.filter(({ kind }) => kind === 'rolledBack')).toHaveLength(1);
});

test('what neither model can answer is no fault of the newer one', async () => {
  const source = new PlainSource();
  source.publish('churn', 'v1', failing);
  source.publish('churn', 'v2', failing);
  const { hot, events } = await running(source);
  await expect(hot.scoreBatch(VECTORS, ROWS)).rejects.toThrow('row 0 gave NaN');
  expect(hot.versionOf('churn')).toBe('v2');
  expect(events).toEqual([]);
});

test.each([
  ['turned round', (share: number) => 1 - share, 'reordered'],
  ['the same for everybody', () => 0.5, 'reordered'],
  ['far higher, in the same order', (share: number) => 1 - (1 - share) / 4, 'shifted'],
] as const)('a trial finds answers that are %s', async (_what, change, reason) => {
  const source = new PlainSource();
  const { hot, follower, events } = await running(source);
  source.publish('churn', 'v2', following(change));
  await follower.look();
  for (let batch = 0; batch < 4; batch++) await hot.scoreBatch(VECTORS, ROWS);
  expect(events.at(-1)).toMatchObject({ kind: 'rolledBack', reason, scoredForMs: 0 });
  // The batch that decided it is published by the model before.
  expect(hot.metrics.answeredAgain).toBe(1);
});

test('a trial finds a model that is slow, and passes one that is neither slow nor different', async () => {
  let micros = 0;
  const source = new PlainSource();
  const { hot, follower, events } = await running(source, {
    trial: { microsPerRow: 50 },
    nowMicros: () => micros,
  });
  const slow = (took: number) => (vectors: Float32Array, rows: number) => {
    micros += took * rows;
    return following(share => share * 0.99)(vectors, rows);
  };
  source.publish('churn', 'v2', slow(60));
  await follower.look();
  for (let batch = 0; batch < 30; batch++) await hot.scoreBatch(VECTORS, ROWS);
  expect(events.at(-1)).toMatchObject({ kind: 'rolledBack', reason: 'slow' });
  source.publish('churn', 'v3', slow(40));
  await follower.look();
  for (let batch = 0; batch < 30; batch++) await hot.scoreBatch(VECTORS, ROWS);
  expect(events.at(-1)).toMatchObject({ kind: 'proven', version: 'v3' });
  expect(hot.provenConstants).not.toBeNull();
});

test('however the rows come and the time goes, a version that is turned round never passes', async () => {
  const step = fc.oneof(
    fc.record({ rows: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ ms: fc.integer({ min: 1, max: 2 * DAY_MS }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
      const source = new PlainSource();
      const { hot, follower, events, time } = await running(source);
      source.publish(
        'churn',
        'v2',
        following(share => 1 - share),
      );
      await follower.look();
      let seen = 0;
      for (const what of steps) {
        if ('ms' in what) time.now += what.ms;
        else {
          const shares = Array.from({ length: what.rows }, () => ((seen++ * 37) % 101) / 101);
          await hot.scoreBatch(vectorsOf(shares), what.rows);
        }
        hot.look();
        // Nobody is rescored for it: only what is proven is wanted of everybody.
        expect(hot.provenConstants === null).toBe(hot.versionOf('churn') === 'v2');
      }
      expect(events.filter(({ kind }) => kind === 'proven')).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

test.each([
  ['its time is over: a tenth of its rows', 60_000, 40],
  ['it has lasted a day: 30 rows', DAY_MS, 30],
])('enough when %s; until then it goes on, and says so once', async (_what, lasted, enough) => {
  const source = new PlainSource();
  const { hot, follower, events, time } = await running(source);
  source.publish(
    'churn',
    'v2',
    following(share => share * 0.99),
  );
  await follower.look();
  await hot.scoreBatch(VECTORS, enough - 1);
  time.now += lasted;
  for (let look = 0; look < 3; look++) hot.look();
  expect(events.filter(({ kind }) => kind !== 'swapped')).toEqual([
    { kind: 'trialExtended', model: 'churn', version: 'v2', rows: enough - 1, wanted: enough },
  ]);
  expect(hot.provenConstants).toBeNull();
  await hot.scoreBatch(VECTORS, 1);
  expect(events.at(-1)).toMatchObject({ kind: 'proven', version: 'v2' });
});

test('a model beside one that scores from the start: the same trial, and the way back', async () => {
  const source = new PlainSource();
  source.publish(
    'churn',
    'v2',
    following(share => 1 - share),
  );
  const { hot, events } = await running(source);
  hot.tryBeside(await source.open('churn', 'v1'));
  expect(hot.provenConstants).toBeNull();
  for (let batch = 0; batch < 4; batch++) await hot.scoreBatch(VECTORS, ROWS);
  expect(events).toEqual([
    expect.objectContaining({ kind: 'rolledBack', version: 'v2', previous: 'v1', reason: 'reordered' }),
  ]);
  hot.close();
  await settled();
  for (const { released, isBroken } of source.opened) expect([released, isBroken]).toEqual([1, false]);
});

test('a shadow changes nothing that is said, and its failure ends only itself', async () => {
  const source = new PlainSource();
  const { hot, follower, events } = await running(source);
  const before = await hot.scoreBatch(VECTORS, ROWS);
  source.add(
    'churn',
    'v2',
    following(share => share / 2),
  );
  source.shadows.set('churn', { version: 'v2', digest: null, sequence: 1, previous: null });
  await follower.look();
  const beside = await hot.scoreBatch(VECTORS, ROWS);
  await settled();
  expect(beside).toEqual(before);
  const { tally } = hot.metrics.shadows[0]!;
  expect(tally.rows).toBe(ROWS);
  expect(tally.sum / ROWS).toBeCloseTo(SHARES.reduce((sum, share) => sum + share / 2, 0) / ROWS, 5);
  expect(tally.beyond / ROWS).toBeCloseTo(0.89, 1);
  source.add('churn', 'v3', failing);
  source.shadows.set('churn', { version: 'v3', digest: null, sequence: 2, previous: null });
  await follower.look();
  expect(await hot.scoreBatch(VECTORS, ROWS)).toEqual(before);
  await settled();
  expect(events.at(-1)).toMatchObject({ kind: 'shadowFailed', version: 'v3', reason: 'error' });
  await follower.look();
  expect(hot.metrics).toMatchObject({ shadows: [], shadowFailures: { error: 1 } });
});

test('agreement: no difference with oneself, order -1 when turned round, none where nothing is told apart', () => {
  fc.assert(
    fc.property(fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 2 }), shares => {
      const answers = Float32Array.from(shares);
      const turned = answers.map(share => 1 - share);
      const isFlat = new Set(answers).size === 1;
      const self = agreementOf(answers, answers, false);
      expect(self.difference).toBe(0);
      if (isFlat) expect(self.order).toBeNull();
      else expect(self.order).toBeCloseTo(1, 9);
      if (new Set(turned).size === new Set(answers).size && !isFlat)
        expect(agreementOf(answers, turned, false).order).toBeCloseTo(-1, 9);
    }),
  );
});
