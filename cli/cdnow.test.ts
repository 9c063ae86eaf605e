/**
 * The first real job: the CDNOW orders, against counts made by a script that shares no code with the product. Every tenth
 * customer, unless CDNOW_WHOLE=1 asks for all of them: three and a half million ticks, some minutes. That the file is read
 * whole, to the cent, is looked at in backfill/benchmark/cdnow/rows.test.ts each time.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Alert } from '../schemas';
import { countCdnow, realData } from './testing/cdnow';
import type { ReplaySummary } from './replay/summary';

const FILE = realData('cdnow', 'CDNOW_master.txt');
const WHOLE = process.env['CDNOW_WHOLE'] === '1';
const UNTIL = '1998-07-31T00:00:00Z';
const directory = mkdtempSync(join(tmpdir(), 'rescore-cdnow-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const linesOf = <T>(...path: string[]): T[] =>
  readFileSync(join(directory, ...path), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as T);

/** In a process of its own: the compiled program, as a user runs it, with the scorer of the tests. */
function replay(file: string, out: string, ...more: string[]): Promise<ReplaySummary> {
  const program = resolve(__dirname, '../dist/cli/testing/spawned-main.js');
  const argv = [
    '--json',
    'replay',
    file,
    '--map',
    'cdnow',
    '--until',
    UNTIL,
    '--features',
    '--out',
    out,
    ...more,
  ];
  const child = spawn(process.execPath, [program, ...argv], {
    cwd: directory,
    // No test here reads the reasons of the scores.
    env: { ...process.env, RESCORE_PUBLISH_REASONS: 'off' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => (text[stream] += chunk.toString()));
  return new Promise((done, failed) =>
    child.on('close', code =>
      code === 0 ? done(JSON.parse(text.stdout) as ReplaySummary) : failed(new Error(text.stderr)),
    ),
  );
}

/** The file, or a file beside the results with every tenth customer of it, header and all. */
function orders(file: string): string {
  if (WHOLE) return file;
  const sample = join(directory, 'sample.txt');
  const lines = readFileSync(file, 'utf8').split('\n');
  writeFileSync(sample, lines.filter((line, at) => at === 0 || /^\s*\d+0\s/.test(line)).join('\n'));
  return sample;
}

(FILE === null ? describe.skip : describe)('CDNOW', () => {
  const file = FILE === null ? '' : orders(FILE);
  const expected = FILE === null ? null : countCdnow(file, Date.parse(UNTIL));
  let summary: ReplaySummary;

  beforeAll(async () => {
    summary = await replay(file, 'out');
  }, 900_000);

  it('accounts for every row, every customer and every cent', () => {
    expect(summary.inputs.orderMessages).toBe(expected?.rows);
    expect(summary.inputs.rows).toBe(
      summary.inputs.orderMessages + summary.inputs.deadLetters + summary.inputs.ignored,
    );
    expect(BigInt(summary.inputs.completedMinor)).toBe(expected?.cents);
    expect(summary.customers).toBe(expected?.customers);
    expect(summary.duplicates).toBe(0);
    if (WHOLE)
      expect([summary.inputs.orderMessages, summary.inputs.completedMinor, summary.customers]).toEqual([
        69_659, 250_031_563, 23_570,
      ]);
  });

  it('the features of all customers add up to the same money', () => {
    const rows = linesOf<{ customerId: string; features: Record<string, number> }>('out', 'features.jsonl');
    const orders = rows.reduce((sum, row) => sum + row.features['orders_lifetime'], 0);
    const cents = rows.reduce((sum, row) => sum + Math.round(100 * row.features['revenue_lifetime']), 0);
    expect([rows.length, orders, BigInt(cents)]).toEqual([
      expected?.customers,
      expected?.rows,
      expected?.cents,
    ]);
    expect(rows.map(row => row.customerId)).toEqual(rows.map(row => row.customerId).sort());
  });

  it('raises inactive exactly once for every silence over 30 days, at its very midnight', () => {
    const alerts = linesOf<Alert>('out', 'alerts.jsonl').filter(alert => alert.kind === 'inactive');
    const name = (customerId: string, since: number): string =>
      `${customerId} ${new Date(since).toISOString()}`;
    const raised = alerts.filter(alert => alert.state === 'raised');
    // The instant at which it was said is the instant since when it holds: nobody waited for an event.
    expect(raised.filter(alert => alert.asOf !== alert.since)).toEqual([]);
    expect(raised.map(alert => name(alert.customerId, alert.since)).sort()).toEqual(
      expected?.silences.map(silence => name(silence.customerId, silence.since)).sort(),
    );
    const ended = expected?.silences.filter(silence => silence.endedAt !== null) ?? [];
    expect(
      alerts
        .filter(alert => alert.state === 'cleared')
        .map(alert => name(alert.customerId, alert.since))
        .sort(),
    ).toEqual(ended.map(silence => name(silence.customerId, silence.endedAt as number)).sort());
  });

  it('says in how many silences a later event ever came, and how long after', () => {
    const silences = expected?.silences ?? [];
    const gaps = silences
      .flatMap(silence => (silence.endedAt === null ? [] : [(silence.endedAt - silence.since) / 86_400_000]))
      .sort((a, b) => a - b);
    const middle = gaps.length >> 1;
    expect(summary.inactive).toEqual({
      raised: silences.length,
      ended: gaps.length,
      stillSilent: silences.length - gaps.length,
      medianDaysUntilActive: gaps.length % 2 === 1 ? gaps[middle] : (gaps[middle - 1] + gaps[middle]) / 2,
    });
  });

  it('gives the same features, byte for byte, for the rows in a random order', async () => {
    await replay(file, 'shuffled', '--shuffle', '7');
    const [ordered, shuffled] = ['out', 'shuffled'].map(out =>
      readFileSync(join(directory, out, 'features.jsonl')),
    );
    expect(ordered.length).toBeGreaterThan(1_000_000);
    expect(shuffled.equals(ordered)).toBe(true);
  }, 900_000);
});
