/**
 * # 5. A lane
 *
 * A lane owns one partition: it reads, folds, asks the models, and commits facts, positions and messages in one
 * transaction. Here the log, the state and the output are one LMDB file; with Kafka and Redis the lane is the same.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFakeScorer } from '../../cli/testing/fake-scorer';
import { DEFAULT_RULES, DEFAULT_SETTINGS } from '../../processors/core';
import { Lane, ReplayDriver } from '../../processors/runner';
import type { Alert, EngagementScore, WebEvent } from '../../schemas';
import { DAY_MS } from '../../schemas';
import { createAvroCodec } from '../../streams/avro/codec';
import { EmbeddedHistory, openEmbedded } from '../../streams/embedded';
import { readSegmentLine } from '../../streams/segment';

const codec = createAvroCodec();
const directory = mkdtempSync(join(tmpdir(), 'rescore-tour-'));
const embedded = openEmbedded({ directory, partitions: 1 });
afterAll(async () => {
  await embedded.close();
  rmSync(directory, { recursive: true, force: true });
});

function pageView(userId: string, at: string): { at: number; value: Uint8Array } {
  const row = readSegmentLine(
    JSON.stringify({ type: 'page', userId, messageId: `${userId} ${at}`, timestamp: at }),
  );
  if (row.ok !== true) throw new Error('the line is well formed');
  return { at: row.recordAt!, value: codec.encodeInput('web-events', row.value as WebEvent) };
}

test('a customer falls silent, and is alerted at the very midnight, with no event at all', async () => {
  const { log, store } = embedded;
  const scorer = await openFakeScorer();
  const lane = new Lane({
    partition: 0,
    ports: { log, store, publisher: store, scorer, codec },
    core: DEFAULT_SETTINGS,
    rules: DEFAULT_RULES,
  });
  // Claim the partition, fence whoever had it, compare positions.
  await lane.start();

  // The driver moves time by the data's own clock: it puts ticks into the log where a scheduler would have.
  const history = new EmbeddedHistory(embedded.environment, log, 'tour');
  const driver = new ReplayDriver({ lanes: [lane], log, store, history, codec });
  const { at, value } = pageView('kim', '2026-03-01T12:00:00Z');
  await driver.feed({ topic: 'web-events', key: 'kim', recordAt: at, value });
  await driver.finish(at + 40 * DAY_MS);

  const said = embedded.output.read(0, 1_000).filter(({ value: bytes }) => bytes !== null);
  const scores = said
    .filter(({ topic }) => topic === 'engagement-scores')
    .map(({ value: bytes }) => codec.decodeOutput('engagement-scores', bytes!) as EngagementScore);
  // One score came from the event, all others from time.
  expect(scores.filter(({ cause }) => cause === 'event')).toHaveLength(1);
  expect(scores.filter(({ cause }) => cause === 'tick').length).toBeGreaterThan(20);

  const alerts = said
    .filter(({ topic }) => topic === 'engagement-alerts')
    .map(({ value: bytes }) => codec.decodeOutput('engagement-alerts', bytes!) as Alert);
  expect(alerts.find(({ kind }) => kind === 'inactive')).toMatchObject({
    state: 'raised',
    since: Date.UTC(2026, 3, 1),
    asOf: Date.UTC(2026, 3, 1),
    sentence: 'No activity for more than 30 days: last active on 2026-03-01, 0 orders worth 0.00 USD so far.',
  });
});
