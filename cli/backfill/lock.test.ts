/** Who holds a run folder, and what becomes of a lock whose holder is gone. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Context } from '../context';
import { withLock } from './lock';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rescore-lock-'));
  file = join(folder, 'items', 'p00000.lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** `onSleep`: what happens meanwhile. */
function context(onSleep: (slept: number) => void = () => undefined, signal = new AbortController().signal) {
  let slept = 0;
  const clock = {
    now: () => slept,
    sleep: (ms: number) => {
      slept += ms;
      onSleep(slept);
      return Promise.resolve();
    },
  };
  const notes: string[] = [];
  const reporter = { note: (line: string) => notes.push(line) };
  return { context: { io: { clock, signal }, reporter } as unknown as Context, notes, slept: () => slept };
}

const hold = <T>(work: () => Promise<T>, { context: given } = context()): Promise<T> =>
  withLock(given, file, work);
const done = (): Promise<string> => Promise.resolve('done');

async function leave(holder: object): Promise<void> {
  await hold(done);
  writeFileSync(file, JSON.stringify(holder));
}

test('one at a time; when the first is done, or has failed, the next one begins', async () => {
  await hold(async () => {
    await expect(hold(done)).rejects.toMatchObject({
      code: 'run-in-use',
      message: expect.stringContaining(`process ${process.pid} on ${hostname()}`) as string,
    });
  });
  await expect(hold(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(existsSync(file)).toBe(false);
  expect(await hold(done)).toBe('done');
});

const bornOfParent = (): string => {
  const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
};

/** A process of this machine that goes on until it is told to end, with the lock that it holds. */
async function heldByAnother(work: (holder: object, end: () => void) => Promise<void>): Promise<void> {
  const lock = join(__dirname, 'lock.ts');
  const register = join(__dirname, '..', 'testing', 'swc-register.cjs');
  const program = `
    const { withLock } = require(${JSON.stringify(lock)});
    const io = { clock: { now: () => 0 }, signal: new AbortController().signal };
    withLock({ io }, ${JSON.stringify(file)}, () => { console.log('held'); return new Promise(() => undefined); });`;
  const child = spawn(process.execPath, ['-r', register, '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(child.stdout, 'data');
    await work(JSON.parse(readFileSync(file, 'utf8')) as object, () => child.kill('SIGKILL'));
  } finally {
    child.kill('SIGKILL');
  }
}

test('a living process keeps it; killed, it leaves it at once', () =>
  heldByAnother(async (_holder, kill) => {
    await expect(hold(done)).rejects.toMatchObject({ code: 'run-in-use' });
    kill();
    // Nobody has buried it yet, as this process did not look: it is gone all the same.
    const deadline = context();
    for (let waited = 0; waited < 5_000; waited += 10) {
      if ((await hold(done, deadline).catch(() => 'held')) === 'done') return;
      await setTimeout(10);
    }
    throw new Error('The lock of a killed process was kept.');
  }));

test('a pid that is somebody else by now does not keep it', () =>
  heldByAnother(async holder => {
    writeFileSync(file, JSON.stringify({ ...holder, born: '1' }));
    expect(await hold(done)).toBe('done');
  }));

test('what another has is not touched', async () => {
  await leave({ host: hostname(), pid: process.ppid, born: bornOfParent(), token: 'theirs' });
  await expect(hold(done)).rejects.toMatchObject({ code: 'run-in-use' });
  expect(readFileSync(file, 'utf8')).toContain('theirs');
});

test.each([
  ['a process that was killed', () => spawnSync(process.execPath, ['-e', '']).pid],
  ['an earlier process with the pid of this one, as in a container', () => process.pid],
])('%s leaves it to the next one at once', async (_who, pid) => {
  await leave({ host: hostname(), pid: pid(), token: 'gone' });
  const here = context();
  expect(await hold(done, here)).toBe('done');
  expect(here.slept()).toBe(0);
  expect(readdirSync(join(folder, 'items'))).toEqual([]);
});

test.each([
  ['another machine', JSON.stringify({ host: 'elsewhere', pid: 1, token: 'x' })],
  ['nobody that can be read', ''],
])(
  'of %s: after a minute without a touch its holder is gone, and one touch says that it works',
  async (_who, text) => {
    await leave({});
    writeFileSync(file, text);
    const silent = context();
    expect(await hold(done, silent)).toBe('done');
    expect(silent.slept()).toBe(60_000);
    expect(silent.notes).toEqual([expect.stringContaining(file)]);
    await leave({});
    writeFileSync(file, text);
    const working = context(slept => slept === 30_000 && utimesSync(file, 5, 5));
    await expect(hold(done, working)).rejects.toMatchObject({ code: 'run-in-use' });
    expect(readFileSync(file, 'utf8')).toBe(text);
  },
);

test('who waits for another machine can be stopped', async () => {
  await leave({ host: 'elsewhere', pid: 1, token: 'x' });
  const stop = new AbortController();
  const waiting = context(slept => slept === 10_000 && stop.abort(), stop.signal);
  await expect(hold(done, waiting)).rejects.toMatchObject({ code: 'interrupted' });
  expect(existsSync(file)).toBe(true);
});
