/**
 * The lanes of a process: they come and go as the group assigns partitions. One that meets damage stands still, so that
 * the others can go on: its partition stays assigned here, or every processor in turn would try it and end. When all
 * lanes of a process stand still it has nothing to do, and ends with what the last one met.
 */
import { randomInt } from 'node:crypto';
import type { InputRules, CoreSettings } from '../../processors/core';
import type { Clock, ScoreWatch, Scorer, StateStore, WireCodec } from '../../processors/ports';
import { Lane, Rescorer, Scheduler, addMetrics, newLaneMetrics, runLane } from '../../processors/runner';
import type {
  LaneMetrics,
  LaneSettings,
  LaneStep,
  RescorerMetrics,
  RescorerOptions,
  SchedulerMetrics,
} from '../../processors/runner';
import { INPUT_TOPICS } from '../../schemas';
import type { InputTopic } from '../../schemas';
import type { KafkaEventLog, KafkaPublisher, Ownership } from '../../streams/kafka';
import { isDamage, isOvertaken, isTransient } from './lane-errors';

export interface LaneSetOptions {
  log: KafkaEventLog;
  store: StateStore;
  publisher: KafkaPublisher;
  scorer: Scorer;
  watch: ScoreWatch;
  codec: WireCodec;
  clock: Clock;
  core: CoreSettings;
  rules: InputRules;
  lane: Partial<LaneSettings>;
  ticksPerSecond: number;
  rescoring: Pick<RescorerOptions, 'perSecond' | 'wanted'>;
  unitSize: number;
  onNote: (line: string) => void;
  /** A mistake of our own, or damage that leaves no lane at work. */
  onFatal: (error: Error) => void;
  /** Before a lane goes on from a step: for tests that stop the process there. */
  onStep?: (partition: number, step: LaneStep) => void | Promise<void>;
}

interface RunningLane {
  lane: Lane;
  scheduler: Scheduler;
  rescorer: Rescorer;
  stop: AbortController;
  since: number;
  ended: Promise<void>;
  /** It came back while it was being stopped. */
  again: boolean;
}

/** Stands still until somebody has mended what it met. */
interface StoppedLane {
  ownership: Ownership;
  error: Error;
}

type LaneParts = Pick<RunningLane, 'lane' | 'scheduler' | 'rescorer' | 'stop'>;

const IDLE_MS = 50;
const JITTER_STEPS = 1_000;

export class LaneSet {
  private readonly running = new Map<number, RunningLane>();
  private readonly standing = new Map<number, StoppedLane>();
  private isClosing = false;
  /** Of lanes that have ended. */
  private readonly past = newLaneMetrics();
  private readonly pastTicks: SchedulerMetrics = { ticks: 0, delayMs: 0, heldBack: 0 };
  /** Of lanes that are between two claims, and why. */
  private readonly lost = new Map<number, Error>();
  /** Of lanes that ended with a batch that is not published, and why. */
  private readonly unfinished = new Map<number, Error>();

  constructor(private readonly options: LaneSetOptions) {}

  /** What the process works on now, for the assigner. */
  held(): Ownership[] {
    const running = [...this.running.values()]
      .filter(({ stop }) => !stop.signal.aborted)
      .map(({ lane, since }) => ({ partition: lane.partition, epoch: lane.epoch, since }));
    return [...running, ...[...this.standing.values()].map(({ ownership }) => ownership)];
  }

  /** All partitions from now on: kept lanes go on or stand still, new ones start, lost ones end. */
  assign(partitions: readonly number[]): void {
    // Until the group is left it may hand over what another member gives up: whoever comes next works on that.
    if (this.isClosing) return;
    const wanted = new Set(partitions);
    for (const partition of this.standing.keys()) if (!wanted.has(partition)) this.standing.delete(partition);
    for (const [partition, running] of this.running)
      if (!wanted.has(partition)) {
        running.again = false;
        running.stop.abort();
      }
    for (const partition of wanted) {
      const running = this.running.get(partition);
      if (running !== undefined) running.again = running.stop.signal.aborted;
      else if (!this.standing.has(partition)) this.begin(partition);
    }
  }

  private begin(partition: number): void {
    const { log, store, publisher, scorer, watch, codec, clock, core, rules, onStep } = this.options;
    const stop = new AbortController();
    const ports = { log, store, publisher, scorer, watch, codec, clock };
    const lane = new Lane({
      partition,
      ports,
      core,
      rules,
      signal: stop.signal,
      settings: this.options.lane,
      onStep: step => {
        if (step === 'reconciled') this.lost.delete(partition);
        return onStep?.(partition, step);
      },
    });
    const { ticksPerSecond, rescoring } = this.options;
    const parts = {
      lane,
      scheduler: new Scheduler(lane, ports, { ticksPerSecond }),
      rescorer: new Rescorer({ lane, ports, ...rescoring }),
      stop,
    };
    this.running.set(partition, { ...parts, since: clock.now(), ended: this.work(parts), again: false });
  }

  private async work({ lane, scheduler, rescorer, stop }: LaneParts): Promise<void> {
    const { log, clock, onNote } = this.options;
    const { partition } = lane;
    try {
      await runLane({
        lane,
        log,
        scheduler,
        rescorer,
        clock,
        signal: stop.signal,
        settings: { idleMs: IDLE_MS },
        jitter: () => randomInt(JITTER_STEPS) / JITTER_STEPS,
        isTransient,
        onLost: error => {
          this.lost.set(partition, error);
          onNote(`Partition ${partition} is claimed again: ${error.message}`);
        },
      });
    } catch (error) {
      await this.failed(lane, stop.signal, error as Error);
    }
    this.pastTicks.ticks += scheduler.metrics.ticks;
    this.pastTicks.heldBack += scheduler.metrics.heldBack;
    await this.finish(lane);
  }

  private async failed(lane: Lane, signal: AbortSignal, error: Error): Promise<void> {
    const { onFatal, onNote } = this.options;
    // The batch before the damage is whole, and may still be on its way.
    await lane.settle().catch(() => undefined);
    const { partition, epoch } = lane;
    if (signal.aborted) {
      // It may have been overtaken meanwhile; and behind damage nothing is begun that could be finished.
      if (!isDamage(error)) this.lost.set(partition, error);
      return;
    }
    if (!isDamage(error)) return onFatal(error);
    const { since } = this.running.get(partition)!;
    this.standing.set(partition, { ownership: { partition, epoch, since }, error });
    onNote(`Partition ${partition} stands still until this processor is started again: ${error.message}`);
  }

  private endIfNoneWorks(): void {
    const [standing] = this.standing.values();
    if (standing !== undefined && this.running.size === 0 && !this.isClosing)
      this.options.onFatal(standing.error);
  }

  private async finish(lane: Lane): Promise<void> {
    const { partition } = lane;
    const again = this.running.get(partition)?.again ?? false;
    this.running.delete(partition);
    const why = this.lost.get(partition);
    if (why !== undefined && !isOvertaken(why)) this.unfinished.set(partition, why);
    this.lost.delete(partition);
    addMetrics(this.past, lane.metrics);
    this.options.log.drop(partition);
    if (again) this.begin(partition);
    this.endIfNoneWorks();
    if (!again && !this.worksInUnitOf(partition)) await this.options.publisher.drop(partition);
  }

  private worksInUnitOf(partition: number): boolean {
    const { unitSize } = this.options;
    const unit = Math.floor(partition / unitSize);
    return [...this.running.keys()].some(other => Math.floor(other / unitSize) === unit);
  }

  /** Ends all lanes with their batches committed and published, or unfinished. */
  async close(): Promise<void> {
    this.isClosing = true;
    const all = [...this.running.values()];
    // Those that others have taken over since are theirs.
    this.unfinished.clear();
    for (const running of all) {
      running.again = false;
      running.stop.abort();
    }
    await Promise.all(all.map(({ ended }) => ended));
  }

  /** What keeps lanes from having finished, once `close` was called; null when all have. */
  left(): string | null {
    const running = this.partitions().map(partition => `partition ${partition} works still`);
    const ended = [...this.unfinished].map(
      ([partition, { message }]) => `partition ${partition}: ${message}`,
    );
    const left = [...running, ...ended];
    return left.length === 0 ? null : left.join(' ');
  }

  partitions(): number[] {
    return [...this.running.keys()].sort((a, b) => a - b);
  }

  /** Those that stand still over damage. */
  stopped(): number[] {
    return [...this.standing.keys()].sort((a, b) => a - b);
  }

  metrics(): LaneMetrics {
    const total = newLaneMetrics();
    addMetrics(total, this.past);
    for (const { lane } of this.running.values()) addMetrics(total, lane.metrics);
    return total;
  }

  /** Those that have ended in one, so that what they counted does not fall when lanes go. */
  schedulers(): SchedulerMetrics[] {
    const ended = { ...this.pastTicks };
    return [ended, ...[...this.running.values()].map(({ scheduler }) => scheduler.metrics)];
  }

  /** Unread inputs of the lanes, by topic: to the ends of the log as last seen, so with what no transaction has decided. */
  lag(): Record<InputTopic, number> {
    const lag = Object.fromEntries(INPUT_TOPICS.map(topic => [topic, 0])) as Record<InputTopic, number>;
    for (const { lane } of this.running.values()) {
      if (lane.epoch === 0) continue;
      const ends = this.options.log.logEnds(lane.partition);
      for (const topic of INPUT_TOPICS) lag[topic] += Math.max(0, (ends[topic] ?? 0) - lane.positions[topic]);
    }
    return lag;
  }

  rescorers(): RescorerMetrics[] {
    return [...this.running.values()].map(({ rescorer }) => rescorer.metrics);
  }

  /** Why not all lanes are at work; null when they are. */
  unready(): string | null {
    for (const [partition, { error }] of this.standing)
      return `partition ${partition} stands still, and after the repair this processor must be started again: ${error.message}`;
    for (const { lane } of this.running.values())
      if (lane.epoch === 0)
        return `partition ${lane.partition} is not claimed yet${this.because(lane.partition)}`;
    return null;
  }

  private because(partition: number): string {
    const reason = this.lost.get(partition);
    return reason === undefined ? '' : `: ${reason.message}`;
  }
}
