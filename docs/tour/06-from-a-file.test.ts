/**
 * # 6. From a file
 *
 * What you would type: `rescore replay orders.csv --map orders.yaml --out out`, then `rescore explain`. Other formats
 * come in through a mapping, which is data; what a row can't say becomes a dead letter that names line and field.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../../cli/testing/captured-io';

const directory = mkdtempSync(join(tmpdir(), 'rescore-tour-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const FILE = [
  '{"type":"page","userId":"kim","messageId":"m1","timestamp":"2026-03-01T12:00:00Z","name":"/"}',
  '{"type":"track","event":"Order Completed","userId":"kim","messageId":"m2","timestamp":"2026-03-01T12:05:00Z","properties":{"order_id":"o1","revenue":49.9}}',
  '{"type":"page","userId":"guest","messageId":"m3","timestamp":"2026-03-02T09:00:00Z"}',
];

test('replay, look at the files, ask for an explanation', async () => {
  writeFileSync(join(directory, 'events.jsonl'), FILE.join('\n'));
  const replay = await runCli(
    'replay events.jsonl --format segment --out out --until 2026-04-05T00:00:00Z'.split(' '),
    { cwd: directory },
  );
  // A bad row is no failure: it is kept, with its place and its reason, and the run goes on.
  expect(replay.code).toBe(0);
  const [letter] = readFileSync(join(directory, 'out', 'dead-letters.jsonl'), 'utf8')
    .trim()
    .split('\n');
  expect(JSON.parse(letter!)).toMatchObject({ origin: 'events.jsonl:3', code: 'refused-id' });

  const alerts = readFileSync(join(directory, 'out', 'alerts.jsonl'), 'utf8');
  expect(alerts).toContain(
    'No activity for more than 30 days: last active on 2026-03-01, 1 orders worth 49.90 USD so far.',
  );

  const explained = await runCli('explain kim --state out/state'.split(' '), { cwd: directory });
  expect(explained.stdout).toContain('inactive');
  expect(explained.stdout).toContain('revenue_lifetime');
});

test('the same command again continues, and says nothing twice', async () => {
  const before = readFileSync(join(directory, 'out', 'scores.jsonl'), 'utf8');
  const again = await runCli(
    'replay events.jsonl --format segment --out out --until 2026-04-05T00:00:00Z'.split(' '),
    { cwd: directory },
  );
  expect(again.code).toBe(0);
  expect(readFileSync(join(directory, 'out', 'scores.jsonl'), 'utf8')).toBe(before);
});
