/**
 * kill -9 at any moment: a replay that is started again repeats nothing and loses nothing, and a live process has
 * counted every event that it acknowledged, once. The processes are real ones; the moments come from a seed.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Random } from '../processors/sim/random';
import { DEFAULT_WORLD, toSegmentLine, worldRecords } from '../processors/sim/world';
import { systemClock } from './clock';
import { runCli } from './testing/captured-io';

const PROGRAM = resolve(__dirname, '../dist/cli/testing/spawned-main.js');
const seed = Number(process.env['RESCORE_KILL_SEED'] ?? 11);
const directory = mkdtempSync(join(tmpdir(), 'rescore-killed-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const launch = (argv: readonly string[], env: Record<string, string> = {}): ChildProcess =>
  spawn(process.execPath, [PROGRAM, ...argv], {
    cwd: directory,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise(done => child.on('close', code => done(code)));

function writeWorld(file: string): void {
  const world = { ...DEFAULT_WORLD, customers: 250, days: 60, socialShare: 0.5 };
  writeFileSync(file, [...worldRecords(world)].map(toSegmentLine).join('\n'));
}

const read = (...path: string[]): string => readFileSync(join(directory, ...path), 'utf8');
const idsOf = (...path: string[]): string[] =>
  read(...path)
    .trimEnd()
    .split('\n')
    .map(line => (JSON.parse(line) as { id: string }).id);

test('a replay that is killed ten times gives the same features, and says nothing twice', async () => {
  expect(existsSync(PROGRAM)).toBe(true); // `make test` builds first
  const random = new Random(seed);
  writeWorld(join(directory, 'world.jsonl'));
  const argv = (out: string): string[] =>
    `replay world.jsonl --format segment --features --until 2026-04-20T00:00:00Z --out ${out}`.split(' ');
  const whole = await runCli(argv('whole'), { cwd: directory });
  expect({ code: whole.code, stderr: whole.code === 0 ? '' : whole.stderr }).toEqual({ code: 0, stderr: '' });
  let kills = 0;
  for (let finished = false; !finished;) {
    const child = launch(argv('killed'));
    const exit = ended(child);
    if (kills >= 10) finished = true;
    else {
      // Between the start of the program and the end of its work.
      const moment = systemClock.sleep(random.between(200, 1_400)).then(() => 'moment' as const);
      if ((await Promise.race([moment, exit])) === 'moment') kills += child.kill('SIGKILL') ? 1 : 0;
      else finished = true;
    }
    await exit;
  }
  expect(kills).toBeGreaterThanOrEqual(3);
  expect(read('killed', 'features.jsonl')).toBe(read('whole', 'features.jsonl'));
  for (const file of ['scores.jsonl', 'alerts.jsonl', 'sessions.jsonl', 'dead-letters.jsonl'].filter(
    name => read('whole', name) !== '',
  ))
    expect(new Set(idsOf('killed', file)).size).toBe(idsOf('killed', file).length);
  expect(read('killed', 'sessions.jsonl').split('\n').length).toBe(
    read('whole', 'sessions.jsonl').split('\n').length,
  );
}, 180_000);

/** Starts the service and waits until it says where it listens; its output is read to the end. */
function serve(state: string): Promise<{ child: ChildProcess; url: string }> {
  const child = launch(['run', '--embedded', '--state', state, '--port', '0']);
  return new Promise((listening, failed) => {
    let text = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const url = /listens on (http:\S+?),/.exec(text)?.[1];
        if (url !== undefined) listening({ child, url });
      });
    child.on('close', () => failed(new Error(`The service ended before it listened: ${text}`)));
  });
}

test('a live process that is killed has counted every acknowledged event once', async () => {
  const random = new Random(seed).fork('live');
  const events = 240;
  let { child, url } = await serve('live');
  for (let sent = 0; sent < events;) {
    const batch = Array.from({ length: Math.min(4, events - sent) }, (_, at) => ({
      type: 'page',
      userId: 'kim',
      messageId: `m${sent + at}`,
    }));
    const answer = fetch(`${url}/v1/batch`, { method: 'POST', body: JSON.stringify({ batch }) }).then(
      response => response.status,
      () => 0,
    );
    const isKilled = random.chance(0.1);
    if (isKilled) {
      if (random.chance(0.5)) await systemClock.sleep(random.int(4));
      const exit = ended(child);
      child.kill('SIGKILL');
      await exit;
    }
    // What was not acknowledged is sent again, under the same ids, as trackers do.
    if ((await answer) === 200) sent += batch.length;
    if (isKilled) ({ child, url } = await serve('live'));
  }
  // A stop leaves what no lane has read yet in the log for the next start; here it is all to be counted.
  while (!(await (await fetch(`${url}/metrics`)).text()).includes('rescore_pending_events 0\n'))
    await systemClock.sleep(5);
  const exit = ended(child);
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
  const { stdout } = await runCli(['--json', 'explain', 'kim', '--state', 'live'], { cwd: directory });
  const { features } = JSON.parse(stdout) as { features: Record<string, number> };
  expect(features['events_last_7_days']).toBe(events);
}, 120_000);
