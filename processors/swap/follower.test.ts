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

test('a registry that is away is said, and nothing changes', async () => {
  const source = new PlainSource();
  const { hot, follower, events, time } = await running(source);
  const before = hot.metrics.lookedAt;
  source.champion = () => Promise.reject(new Error('no answer'));
  time.now += 5_000;
  await follower.look();
  expect(events[0]).toMatchObject({ kind: 'unreadable', words: 'no answer' });
  expect(hot.metrics.lookedAt).toBe(before);
  expect((await hot.scoreBatch(VECTORS, 10)).raw.churn).toHaveLength(10);
});
