/**
 * One process at a time on an item, or on the steps that write into a run folder: two would truncate each other's files.
 *
 * The lock is a file that names its holder and that the holder touches. It outlives a kill, so whoever finds one asks:
 * 1. Is its holder a process of this machine? One that is gone has left it; one that lives holds it.
 * 2. Of another machine (or pod): is it still touched? After a minute without, its holder is gone. Only the file's own
 *    changes are looked at, so clocks that differ do no harm.
 * A holder that was only slow, and finds the lock in other hands, stops.
 */
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { Context } from '../context';
import { CliError } from '../errors';

const TOUCH_MS = 5_000;
const QUIET_MS = 60_000;
const LOOK_MS = 1_000;
const ENDING_MS = 2_000;

interface Holder {
  host: string;
  pid: number;
  /** When the process began: its pid may be another's by now. */
  born: string;
  token: string;
}

/** Of this process; a token that is not among them was left by an earlier life of the same pid. */
const ours = new Set<string>();

const textOf = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // ESRCH: of a process that ends while its file is read.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
};

function holderOf(text: string): Holder | null {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    // Written this moment, or cut: like one of another machine.
    return null;
  }
}

const GONE = new Set(['Z', 'X']);

/** When a process of this machine began, in ticks since the machine did; null: it is gone, also where nobody buried it. */
function bornOf(pid: number): string | null {
  if (!existsSync('/proc/self/stat')) return isAlive(pid) ? 'unknown' : null;
  const stat = textOf(`/proc/${pid}/stat`);
  // The name in parentheses may hold anything; state and start are the 3rd and the 22nd field.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return stat === null || GONE.has(fields[0]!) ? null : fields[19]!;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Runs `work` while nobody else holds `file`. Its signal says to stop. @throws CliError run-in-use, interrupted */
export async function withLock<T>(
  { io, reporter }: Context,
  file: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  const { pid } = process;
  const holder: Holder = { host: hostname(), pid, born: bornOf(pid) ?? '', token: randomUUID() };
  const own = JSON.stringify(holder);
  while (!tryHold(file, own)) await untilFree(file, holder.host, io, line => reporter.note(line));
  ours.add(holder.token);
  const lost = new AbortController();
  const touching = setInterval(() => {
    if (textOf(file) === own) utimesSync(file, io.clock.now() / 1_000, io.clock.now() / 1_000);
    else lost.abort();
  }, TOUCH_MS);
  try {
    return await work(AbortSignal.any([io.signal, lost.signal]));
  } finally {
    clearInterval(touching);
    ours.delete(holder.token);
    if (textOf(file) === own) rmSync(file);
  }
}

function tryHold(file: string, own: string): boolean {
  try {
    writeFileSync(file, own, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function untilFree(
  file: string,
  host: string,
  { clock, signal }: Context['io'],
  note: (line: string) => void,
): Promise<void> {
  const text = textOf(file);
  if (text === null) return;
  const holder = holderOf(text);
  if (holder?.host === host) {
    const isHeld = (): boolean =>
      holder.pid === process.pid ? ours.has(holder.token) : bornOf(holder.pid) === holder.born;
    // One that was killed this moment still ends.
    for (let waited = 0; isHeld() && waited < ENDING_MS; waited += LOOK_MS)
      await clock.sleep(LOOK_MS, signal);
    if (isHeld()) throw inUse(file, holder);
    return takeAway(file, text);
  }
  note(
    `${file} is there, of ${holder?.host ?? 'another machine'}: looking for a minute whether it still works.`,
  );
  const touchedAt = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  for (let waited = 0; waited < QUIET_MS; waited += LOOK_MS) {
    await clock.sleep(LOOK_MS, signal);
    if (signal.aborted) throw new CliError('interrupted', 'Waiting for the other process was stopped.');
    const now = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    if (now === undefined) return;
    if (now !== touchedAt) throw inUse(file, holder);
  }
  takeAway(file, text);
}

/** Of two that find it left behind, one moves it; the other sees what it has moved, and gives it back. */
function takeAway(file: string, left: string): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (textOf(aside) === left) rmSync(aside);
  else renameSync(aside, file);
}

const inUse = (file: string, holder: Holder | null): CliError =>
  new CliError(
    'run-in-use',
    holder === null
      ? `${file} is held by another process.`
      : `${file} is held by process ${holder.pid} on ${holder.host}.`,
  );
