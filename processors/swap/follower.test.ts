/** Laws of following a registry: what scores goes on whatever a pointer says, and nothing is tried without end. */
import { VECTOR_WIDTH } from '../core';
import { PlainSource, failing, following } from './testing/plain-models';
import { running } from './testing/running';

const VECTORS = new Float32Array(10 * VECTOR_WIDTH);
const damaged = Object.assign(new Error('its SHA-256 is not the one in the manifest'), {
  code: 'file-digest-mismatch',
});

test('a version that may not score leaves the current one, is said once, and is tried ever less often', async () => {
  const source = new PlainSource();
  const { hot, follower, events, time } = await running(source);
  source.publish('churn', 'v2', damaged);
  for (let look = 0; look < 1_000; look++) {
    time.now += 1_000;
    await follower.look();
  }
  expect(hot.versionOf('churn')).toBe('v1');
  expect(hot.metrics.behind).toEqual({ engagement: false, churn: true, ltv: false });
  expect(events).toEqual([
    expect.objectContaining({ kind: 'refused', version: 'v2', code: 'file-digest-mismatch' }),
  ]);
  const tries = source.tries.get('churn/v2')!;
  expect(tries).toBeLessThan(12);
  expect(hot.metrics.refusals).toEqual({ 'file-digest-mismatch': tries });
  // Mended, it scores at the next attempt.
  source.add('churn', 'v2', following());
  time.now += 3_600_000;
  await follower.look();
  expect(hot.versionOf('churn')).toBe('v2');
});

test('a refusal says how long it took, from opening the version', async () => {
  const source = new PlainSource();
  let micros = 0;
  const { follower, events } = await running(source, { nowMicros: () => micros });
  source.publish('churn', 'v2', damaged);
  const open = source.open.bind(source);
  source.open = (name, version) => {
    micros += 2_500;
    return open(name, version);
  };
  await follower.look();
  expect(events).toEqual([expect.objectContaining({ kind: 'refused', tookMs: 2.5 })]);
});

test('a version that was rolled back is not swapped in again, until a person points at it anew', async () => {
  const source = new PlainSource();
  const { hot, follower, time } = await running(source);
  source.publish('churn', 'v2', failing);
  await follower.look();
  await hot.scoreBatch(VECTORS, 10);
  for (let look = 0; look < 100; look++) {
    time.now += 10_000_000;
    await follower.look();
  }
  expect([hot.versionOf('churn'), source.tries.get('churn/v2')]).toEqual(['v1', 1]);
  expect(hot.metrics.behind['churn']).toBe(true);
  expect(source.moves).toEqual([]);
  source.point('churn', 'v1');
  await follower.look();
  expect(hot.metrics.behind['churn']).toBe(false);
  source.publish('churn', 'v2', following());
  await follower.look();
  expect(hot.versionOf('churn')).toBe('v2');
});

test('where it may, it moves the pointer back once, and goes on trying while the registry is away', async () => {
  const source = new PlainSource();
  const { hot, follower, events, time } = await running(source, { movesPointers: true });
  source.publish('churn', 'v2', failing);
  await follower.look();
  await hot.scoreBatch(VECTORS, 10);
  source.moveAnswer = Object.assign(new Error('no answer'), { code: 'registry-unreachable' });
  for (let look = 0; look < 100; look++) {
    time.now += 1_000;
    await follower.look();
  }
  expect(events.filter(({ kind }) => kind === 'pointerStays')).toHaveLength(1);
  expect(hot.versionOf('churn')).toBe('v1');
  source.moveAnswer = 'moved';
  time.now += 3_600_000;
  await follower.look();
  await follower.look();
  expect(source.moves).toEqual(['churn: v2 to v1']);
  expect(hot.metrics.behind['churn']).toBe(false);
});

test('a second version while the first is on trial is compared with the last proven one', async () => {
  const source = new PlainSource();
  const { hot, follower } = await running(source);
  source.publish('churn', 'v2', following());
  await follower.look();
  source.publish('churn', 'v3', failing);
  await follower.look();
  const { by } = await hot.scoreBatch(VECTORS, 10);
  expect(by.constants.models).toContainEqual({ name: 'churn', version: 'v1' });
});

test('what scored before is asked of the version that scores, not of the one that the pointer names', async () => {
  const source = new PlainSource();
  let isPoisoned = false;
  source.publish('churn', 'v2', (vectors, rows) => (isPoisoned ? failing : following())(vectors, rows));
  const { hot, follower } = await running(source);
  // Refused, so that v2 goes on; the pointer says that v2 came before.
  source.publish('churn', 'v3', damaged);
  await follower.look();
  isPoisoned = true;
  const { by } = await hot.scoreBatch(VECTORS, 10);
  expect(by.constants.models).toContainEqual({ name: 'churn', version: 'v1' });
});

test('a version that was rolled back does not come back as the one that scored before', async () => {
  const source = new PlainSource();
  const { hot, follower, time } = await running(source);
  let isPoisoned = false;
  source.publish('churn', 'v2', failing);
  await follower.look();
  await hot.scoreBatch(VECTORS, 10);
  source.add('churn', 'v2', following());
  source.publish('churn', 'v3', (vectors, rows) => (isPoisoned ? failing : following())(vectors, rows));
  await follower.look();
  for (let batch = 0; batch < 4; batch++) await hot.scoreBatch(VECTORS, 10);
  time.now += 61_000;
  hot.look();
  expect([hot.versionOf('churn'), hot.provenConstants === null]).toEqual(['v3', false]);
  isPoisoned = true;
  const { by } = await hot.scoreBatch(VECTORS, 10);
  expect(by.constants.models).toContainEqual({ name: 'churn', version: 'v1' });
});

test('where a person goes back, what was taken back is no measure for what scores again', async () => {
  const source = new PlainSource();
  const { hot, follower, events, time } = await running(source);
  source.publish(
    'churn',
    'v2',
    following(share => share / 2),
  );
  await follower.look();
  for (let batch = 0; batch < 4; batch++) await hot.scoreBatch(VECTORS, 10);
  time.now += 61_000;
  await follower.look();
  expect(events.at(-1)).toMatchObject({ kind: 'proven', version: 'v2' });
  source.takeBack('churn', 'v1');
  await follower.look();
  expect(events.at(-1)).toMatchObject({ kind: 'swapped', version: 'v1', isOnTrial: false });
  expect(hot.provenConstants).toBe(hot.constants);
});

test('a look that is under way when the process ends swaps nothing in, and holds nobody up', async () => {
  const source = new PlainSource();
  const { hot, follower, events } = await running(source);
  const stop = new AbortController();
  let answer = (): void => undefined;
  const opening = new Promise<void>(resolve => (answer = resolve));
  const open = source.open.bind(source);
  source.open = async (name, version) => {
    await opening;
    return open(name, version);
  };
  source.publish('churn', 'v2', following());
  const ended = follower.run(stop.signal);
  await new Promise(resolve => setImmediate(resolve));
  stop.abort();
  await ended;
  hot.close();
  answer();
  await new Promise(resolve => setImmediate(resolve));
  expect(source.opened.map(({ version, released }) => [version, released])).toEqual([
    ['v1', 1],
    ['v1', 1],
    ['v1', 1],
    ['v2', 1],
  ]);
  expect(events).toEqual([]);
});

test('a registry that is away is said once, and nothing changes', async () => {
  const source = new PlainSource();
  const { hot, follower, events, time } = await running(source);
  const before = hot.metrics.lookedAt;
  source.champion = () => Promise.reject(new Error('no answer'));
  time.now += 5_000;
  for (let look = 0; look < 3; look++) await follower.look();
  expect(events).toEqual(source.names.map(model => ({ kind: 'unreadable', model, words: 'no answer' })));
  expect(hot.metrics.lookedAt).toBe(before);
  expect((await hot.scoreBatch(VECTORS, 10)).raw.churn).toHaveLength(10);
});
