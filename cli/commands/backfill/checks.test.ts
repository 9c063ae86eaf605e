/** `rescore backfill run` around its checks: one that finds something does not keep the others and the report away. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { PUBLISHED, archiveOf, playedWorld, rowsOf } from '../../../backfill/testing/published-archive';
import type { Rows } from '../../../backfill/testing/published-archive';
import { DAY_MS } from '../../../schemas';
import { openStorage } from '../../../streams/archive';
import { createAvroCodec } from '../../../streams/avro/codec';
import type { Io } from '../../io';
import { main } from '../../main';
import { capturedIo } from '../../testing/captured-io';
import { EXIT, type CliError } from '../../errors';
import { backfillCommand } from '.';

const codec = createAvroCodec();
const UNTIL = PUBLISHED.world.startAt + 120 * DAY_MS;
const cwd = mkdtempSync(join(tmpdir(), 'rescore-checks-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

let pristine: Rows;
beforeAll(async () => {
  pristine = rowsOf(await playedWorld());
  await archiveIn('sound', pristine);
  await archiveIn('changed', withChangedScore(pristine));
}, 120_000);

const archiveIn = (name: string, rows: Rows): Promise<unknown> => {
  const location = join(cwd, `archive-${name}`);
  mkdirSync(location);
  return archiveOf(rows, openStorage({ location, s3Endpoint: '', s3Region: 'us-east-1' }));
};

/** Of the range's last day one score has another hash. */
function withChangedScore(rows: Rows): Rows {
  for (const [place, held] of rows) {
    if (!place.startsWith('engagement-scores/')) continue;
    const at = held.findIndex(({ value }) => {
      const asOf = value === null ? 0 : codec.decodeOutput('engagement-scores', value).asOf;
      return asOf >= UNTIL - DAY_MS && asOf < UNTIL;
    });
    if (at < 0) continue;
    const score = codec.decodeOutput('engagement-scores', held[at]!.value!);
    const value = Buffer.from(codec.encode('engagement-scores', { ...score, vectorHash: '0'.repeat(16) }));
    return new Map(rows).set(place, held.with(at, { ...held[at]!, value }));
  }
  throw new Error('the world has no such score');
}

const REAL = ['plan', 'consistency', 'report'];

/** A night of `name` whose steps are real but for those that need a trainer: they answer 0, or what `codes` says. */
async function night(name: string, options: string[] = [], codes: Record<string, number> = {}) {
  const asked: string[] = [];
  const program = (argv: readonly string[], io: Io): Promise<number> => {
    const line = argv.slice(argv.indexOf('backfill') + 1);
    asked.push(line.join(' '));
    return REAL.includes(line[0]!) ? main(argv, io) : Promise.resolve(codes[line[0]!] ?? 0);
  };
  const { io, said } = capturedIo({ cwd, env: { RESCORE_REGISTRY_URL: '' } });
  const rescore = new Command('rescore').option('--json').option('--settings <file>').exitOverride();
  backfillCommand(program)(rescore, io);
  const until = new Date(UNTIL).toISOString();
  // prettier-ignore
  const argv = ['backfill', 'run', '--run', `night-${name}`, '--archive', `archive-${name}`, '--until', until, ...options];
  const ended = await rescore.parseAsync(argv, { from: 'user' }).then(
    () => null,
    (error: unknown) => error as CliError,
  );
  return { steps: asked.map(line => line.split(' ')[0]), asked, ended, ...said() };
}

const ALL = 'plan replay dataset train gate publish consistency drift report'.split(' ');
const inNight = (name: string, file: string): string =>
  readFileSync(join(cwd, `night-${name}`, file), 'utf8');

test('one changed score: every step is done, the report has the verdict, and the run fails with the name', async () => {
  const { steps, ended } = await night('changed', [], { drift: 2 });
  expect(steps).toEqual(ALL);
  expect(ended).toMatchObject({ code: 'check-failed', exitCode: EXIT.failure });
  expect(ended!.message).toMatch(/these checks failed: consistency \(1\), drift \(2\)\./);
  const verdict = /<p[^>]*class="[^"]*bad[^"]*"[^>]*>1 of [\d,]+ vectors are not what was scored\./;
  expect(inNight('changed', 'report.html')).toMatch(verdict);
  expect(JSON.parse(inNight('changed', 'steps/consistency.json'))).toMatchObject({
    failed: 'scores-differ',
    counts: { differing: 1 },
  });
});

test('a step that others need stops the run all the same', async () => {
  const { ended, steps } = await night('sound', [], { gate: 1 });
  expect(steps).toEqual(ALL.slice(0, ALL.indexOf('gate') + 1));
  expect(ended).toMatchObject({ code: 'step-failed' });
});

test('where no check fails the run ends well; --again, --sample and --metrics reach the steps that take them', async () => {
  const { steps, asked, ended } = await night('sound', [
    '--again',
    '--sample',
    '0.5',
    '--metrics',
    'night.prom',
  ]);
  expect([steps, ended]).toEqual([ALL, null]);
  expect(inNight('sound', 'report.html')).toContain('is the one that was scored');
  for (const line of asked) expect(line).toContain(' --again');
  const having = (option: string) =>
    asked.filter(line => line.includes(option)).map(line => line.split(' ')[0]);
  expect(having('--sample 0.5')).toEqual(['consistency']);
  expect(having('--metrics night.prom')).toEqual(['consistency', 'drift']);
  expect(readFileSync(join(cwd, 'night.prom'), 'utf8')).toContain(
    '\nrescore_consistency_differing_scores 0\n',
  );
  expect(JSON.parse(inNight('sound', 'consistency.json'))).toMatchObject({ sample: 0.5 });
});

test('a share that is none is refused before the first step', async () => {
  const { asked, ended } = await night('sound', ['--sample', '2']);
  expect([asked, ended]).toEqual([[], expect.objectContaining({ code: 'usage' })]);
});
