/**
 * The right to replace one state of one file, on a file system that has no compare-and-set:
 *
 *     current.json.<first digits of the tag>.<generation>.claim      holder: host, process id, when that began
 *
 * 1. A claim is made by exclusive create, for the state that its maker saw. Whoever holds the highest generation may
 *    replace the file, after it has looked once more that the state is still that one.
 * 2. A holder that died is followed by the next generation, never removed: two who find it dead cannot both follow.
 * 3. A state does not come back (a pointer counts its moves), so that a claim of an old one opens nothing: claims are
 *    removed by whoever made the state an old one.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readFile, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ArtifactError } from '../errors';
import { UNFINISHED, linked, writeFlushed } from './safe-files';

const CLAIM = /\.[0-9a-f]{16}\.(\d+)\.claim$/;
export const isClaim = (name: string): boolean => CLAIM.test(name);

/** Process ids mean something only where they were given. */
function processSpace(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
const HERE = processSpace();

/**
 * When a process began, in ticks since the machine did: ids are given again, and in containers nearly everybody is 1.
 * Empty where nobody says. Field 22 of proc(5); the name before it may hold anything.
 */
function beginningOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** Runs `work` under a claim and returns its answer; false when somebody else holds one. */
export async function withClaim(path: string, tag: string, work: () => Promise<boolean>): Promise<boolean> {
  const stem = `${basename(path)}.${tag.slice(0, 16)}.`;
  const held = (await claimsOf(path, stem)).at(-1);
  if (held !== undefined && (await isAtWork(held.path))) return false;
  const mine = join(dirname(path), `${stem}${(held?.generation ?? 0) + 1}.claim`);
  if (!(await made(mine))) return false;
  let done = false;
  try {
    done = await work();
    return done;
  } finally {
    const over = done ? (await claimsOf(path, stem)).map(claim => claim.path) : [mine];
    for (const claim of over) await rm(claim, { force: true });
  }
}

async function claimsOf(path: string, stem: string): Promise<{ path: string; generation: number }[]> {
  const names = await readdir(dirname(path));
  return names
    .filter(name => name.startsWith(stem) && isClaim(name))
    .map(name => ({ path: join(dirname(path), name), generation: Number(CLAIM.exec(name)![1]) }))
    .sort((a, b) => a.generation - b.generation);
}

/** Made with its content in it: a link appears whole or not at all. */
async function made(claim: string): Promise<boolean> {
  const unfinished = `${claim}.${randomUUID()}${UNFINISHED}`;
  try {
    await writeFlushed(unfinished, Buffer.from(`${HERE}\n${process.pid}\n${beginningOf(process.pid)}\n`));
    return await linked(unfinished, claim);
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** @throws ArtifactError `registry-claimed` where nobody here can know whether the holder lives */
async function isAtWork(claim: string): Promise<boolean> {
  const text = await readFile(claim, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  // Gone in between: its holder has ended, and the look under our own claim decides.
  if (text === null) return false;
  const [place, pid = '', began = ''] = text.split('\n');
  // Of another machine or container: a person has to say whether it lives.
  if (place !== HERE || !/^\d+$/.test(pid))
    throw new ArtifactError(
      'registry-claimed',
      basename(claim),
      `process ${pid || 'unknown'} of ${place.split(' ')[0] || 'nowhere'} holds it`,
    );
  return isAlive(Number(pid)) && (began === '' || began === beginningOf(Number(pid)));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
