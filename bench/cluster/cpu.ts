/** CPU time of processes on Linux, from /proc: also of servers in containers on the same box. */
import { readFileSync } from 'node:fs';

/** USER_HZ, fixed at 100 on Linux. */
const TICKS_PER_SECOND = 100;

/** User and system time of a process with all its threads, seconds. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program stands in brackets and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
