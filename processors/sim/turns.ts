/**
 * Whose turn it is: the seeded scheduler of a simulation. Everything that a simulated process does between two waits
 * happens at once; at every wait the scheduler picks who goes on, and time moves only when nobody can.
 */
import type { EpochMs } from '../../schemas';
import type { Clock } from '../ports';
import type { Random } from './random';

export interface Actor {
  readonly name: string;
  /** stopped: frozen where it is, and may go on. dead: never goes on. */
  state: 'running' | 'stopped' | 'dead';
}

interface Waiter {
  actor: Actor;
  at: EpochMs;
  resolve: () => void;
}

/** Lets everything that needs no turn happen. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** The simulation did not end: a livelock, or nobody left who could go on. */
export class StuckError extends Error {
  override readonly name = 'StuckError';
}

export class Turns {
  /** Virtual time. */
  now: EpochMs;
  taken = 0;
  private waiters: Waiter[] = [];
  private traced = 0x811c9dc5;

  constructor(
    startAt: EpochMs,
    private readonly random: Random,
  ) {
    this.now = startAt;
  }

  /** Hash of every turn that was taken: equal for two runs that went the same way. */
  get trace(): string {
    return `${this.taken}-${(this.traced >>> 0).toString(16)}`;
  }

  /** Adds to the trace. */
  note(text: string): void {
    for (let at = 0; at < text.length; at++)
      this.traced = Math.imul(this.traced ^ text.charCodeAt(at), 0x01000193);
  }

  /** Waits until the scheduler picks this actor again. */
  turn(actor: Actor): Promise<void> {
    return this.sleep(actor, 0);
  }

  sleep(actor: Actor, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const waiter: Waiter = { actor, at: this.now + Math.ceil(ms), resolve };
      this.waiters.push(waiter);
      if (signal === undefined) return;
      const wakeUp = (): void => void (waiter.at = Math.min(waiter.at, this.now));
      if (signal.aborted) wakeUp();
      signal.addEventListener('abort', wakeUp);
      waiter.resolve = () => {
        signal.removeEventListener('abort', wakeUp);
        resolve();
      };
    });
  }

  clockOf(actor: Actor): Clock {
    return { now: () => this.now, sleep: (ms, signal) => this.sleep(actor, ms, signal) };
  }

  /** Forgets the waits of a dead actor: its promises never resolve. */
  kill(actor: Actor): void {
    actor.state = 'dead';
    this.waiters = this.waiters.filter(waiter => waiter.actor !== actor);
  }

  /** Until `isOver`. @throws StuckError */
  async run(isOver: () => boolean, maxTurns: number): Promise<void> {
    for (;;) {
      await settled();
      if (isOver()) return;
      const able = this.waiters.filter(({ actor }) => actor.state === 'running');
      if (able.length === 0) throw new StuckError('Nobody can go on.');
      const ready = able.filter(({ at }) => at <= this.now);
      if (ready.length === 0) {
        this.now = Math.min(...able.map(({ at }) => at));
        continue;
      }
      if (++this.taken > maxTurns) throw new StuckError(`It did not end within ${maxTurns} turns.`);
      const chosen = this.random.pick(ready);
      this.waiters.splice(this.waiters.indexOf(chosen), 1);
      this.note(`${chosen.actor.name}@${this.now}`);
      chosen.resolve();
    }
  }
}
