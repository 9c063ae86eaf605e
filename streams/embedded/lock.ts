/** One writer a state directory: a lock file that names its process, taken over when that process is gone. */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { EmbeddedError } from './errors';

interface Holder {
  pid: number;
  /** Start of the process in kernel ticks, where the system tells: a reused pid is somebody else. */
  startedAt: string | null;
}

function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function isAlive({ pid, startedAt }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startedAt === null || startOf(pid) === startedAt;
}

function readHolder(file: string): Holder | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

/** Takes the lock and returns how to give it back. @throws EmbeddedError `state-locked` */
export function lockDirectory(directory: string): () => void {
  const file = path.join(directory, 'lock');
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const handle = openSync(file, 'wx');
      const holder: Holder = { pid: process.pid, startedAt: startOf(process.pid) };
      writeSync(handle, JSON.stringify(holder));
      closeSync(handle);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = readHolder(file);
      if (holder !== null && isAlive(holder))
        throw new EmbeddedError(
          'state-locked',
          `The state directory ${directory} is in use by process ${holder.pid}. Stop that process, or name another directory with --state.`,
        );
      rmSync(file, { force: true });
    }
  }
  throw new EmbeddedError(
    'state-locked',
    `The state directory ${directory} is being opened by several processes at once. Try again.`,
  );
}
