/**
 * A replay from files to output files:
 *
 * 1. Find the files; what the state already holds, or has under way, is known by digest.
 * 2. Read all rows: validate, tally, sort; bad ones become dead letters.
 * 3. Feed the sorted rows to the driver, which folds them with ticks at their due instants; a run that was
 *    interrupted goes on at the row after the last one in the log.
 * 4. Move time on to --until, copy the rest of the outputs, note that the files are done.
 *
 * The outputs are copied all the way along, so that they are there while a long replay works.
 */
import { join } from 'node:path';
import { addMetrics, newLaneMetrics, ReplayDriver, type LaneMetrics } from '../../processors/runner';
import type { OutgoingMessage } from '../../processors/ports';
import { DAY_MS, NEVER, type CustomerId, type EpochMs } from '../../schemas';
import type { Mapping } from '../../streams/mapping';
import type { Context } from '../context';
import type { OpenState } from '../embedded';
import { CliError } from '../errors';
import { inputRules, startLanes, type Engine } from '../lanes';
import { instant } from '../output/format';
import type { Exporter } from './exporter';
import { ExternalSort } from './external-sort';
import { readFiles, type InputFile } from './files';
import { Intake, type RowPlace } from './intake';
import { addTallies } from './intake-tally';
import { mergeReports, QualityReporter } from './quality';
import type { ReplayProgress } from './progress-record';
import { Retention } from './retention';
import { shuffledOrder } from './shuffle';

const DEAD_LETTER_PAGE = 500;
const MEGABYTE = 1_048_576;
/** Outputs are copied when this many are waiting: a copy forces six files to the disk. */
const COPY_EVERY = 50_000;
const MARK_EVERY_MS = DAY_MS;

export interface ReplayOptions {
  mapping: Mapping | null;
  until: EpochMs | null;
  /** Time goes on to here when the files end before; they may also end after it. */
  atLeast?: EpochMs | null;
  shuffle: string | null;
  strict: boolean;
  memoryBytes: number;
  /** Folder for sorted runs. */
  scratch: string;
}

export interface ReplayRun {
  /** Rows that this run appended, and ticks. */
  appended: number;
  ticks: number;
  /** Of this run's folding alone, reading and sorting apart. */
  foldMs: number;
  foldCpuMicros: number;
  metrics: LaneMetrics;
  /** All runs of this state. */
  totalMetrics: LaneMetrics;
  reachedAt: EpochMs | null;
}

/** Puts the rows of files into a state. The record of the replay tells what is in already. */
export class Replay {
  private readonly quality: QualityReporter;
  private readonly sort: ExternalSort;
  private readonly intake: Intake;
  private deadLetters: OutgoingMessage[] = [];
  private deadLettersSeen = 0;

  constructor(
    private readonly context: Context,
    private readonly state: OpenState,
    private readonly progress: ReplayProgress,
    private readonly exporter: Exporter,
    private readonly files: readonly InputFile[],
    private readonly options: ReplayOptions,
  ) {
    const { shuffle, memoryBytes, scratch, strict } = options;
    this.quality = new QualityReporter(
      files.map(file => file.name),
      shuffle !== null,
      progress.record.finished.length > 0 ? id => signUpHeld(state, id) : undefined,
    );
    this.sort = new ExternalSort(join(scratch, 'sort'), memoryBytes);
    this.intake = new Intake({
      sort: this.sort,
      quality: this.quality,
      codec: state.codec,
      rules: inputRules(context.settings.values),
      strict,
      order:
        shuffle === null ? recordAt => recordAt : (_at, file, line) => shuffledOrder(shuffle, file, line),
      onDeadLetter: letter => this.publishLater(letter),
    });
  }

  async run(): Promise<ReplayRun> {
    try {
      await this.read();
      const engine = await startLanes(this.context, this.state);
      try {
        return await this.fold(engine);
      } finally {
        await engine.close();
      }
    } finally {
      this.sort.dispose();
    }
  }

  /** Step 2. */
  private async read(): Promise<void> {
    const { reporter, io } = this.context;
    const megabytes = this.files.reduce((sum, file) => sum + file.bytes, 0) / MEGABYTE;
    if (this.files.length > 0)
      reporter.note(`Reading ${this.files.length} file(s), ${megabytes.toFixed(1)} MB.`);
    await readFiles(this.files, this.options.mapping, this.intake, rows => {
      stopIfAborted(io.signal);
      reporter.detail(`Read ${rows} rows.`);
    });
    this.publishDeadLetters();
    this.checkInstants();
    if (this.sort.spilled > 0)
      reporter.note(`Sorting ${this.sort.count} rows on disk, in ${this.sort.spilled} runs.`);
  }

  private checkInstants(): void {
    const { until } = this.options;
    const { latest, latestAt, earliest, earliestAt } = this.intake;
    const place = (row: RowPlace | null): string => (row ? `${row.name}, line ${row.line}` : '');
    if (until !== null && latestAt > until)
      throw new CliError(
        'input-after-until',
        `${place(latest)} was recorded at ${instant(latestAt)}, after --until ${instant(until)}.`,
      );
    const { reachedAt } = this.progress.record;
    if (reachedAt !== null && earliestAt < reachedAt)
      throw new CliError(
        'input-before-state',
        `${place(earliest)} was recorded at ${instant(earliestAt)}, but the state has reached ${instant(reachedAt)}.`,
      );
  }

  /** Dead letters of a run that was interrupted are out already, and come again in the same order. */
  private publishLater(letter: OutgoingMessage): void {
    if (++this.deadLettersSeen <= this.progress.current.deadLetters) return;
    this.deadLetters.push(letter);
    if (this.deadLetters.length >= DEAD_LETTER_PAGE) this.publishDeadLetters();
  }

  private publishDeadLetters(): void {
    if (this.deadLetters.length === 0) return;
    this.progress.publishDeadLetters(this.deadLetters, this.deadLettersSeen);
    this.deadLetters = [];
  }

  /** Steps 3 and 4. */
  private async fold(engine: Engine): Promise<ReplayRun> {
    const { context, exporter, options, progress } = this;
    const { io, reporter, settings } = context;
    const startedAt = io.clock.now();
    const cpuBefore = io.cpuMicros();
    const bar = reporter.progress('Folding', this.sort.count, 'rows');
    const retention = new Retention(
      this.state.embedded,
      settings.values['state.logRetentionDays'] * DAY_MS,
      MARK_EVERY_MS,
    );
    let reachedAt: EpochMs = -NEVER;
    let handledAt: EpochMs = -NEVER;
    const driver = new ReplayDriver({
      lanes: engine.lanes,
      log: this.state.embedded.log,
      store: this.state.embedded.store,
      history: progress,
      codec: this.state.codec,
      sliceRecords: settings.values['lane.batchRecords'],
      inOrder: options.shuffle === null,
      onProgress: ({ appended, at }) => {
        stopIfAborted(io.signal);
        bar.update(appended);
        reachedAt = at;
        if (exporter.behind > COPY_EVERY) exporter.pump(this.totalOf(engine));
      },
    });
    const skip = await driver.resume();
    let row = 0;
    for (const sorted of this.sort.sorted()) {
      this.quality.see(sorted);
      if (row++ < skip) continue;
      await driver.feed(sorted);
      if (reachedAt > handledAt && options.shuffle === null) {
        handledAt = reachedAt;
        await retention.reached(handledAt, exporter.position);
      }
    }
    const endAt = this.endOfTime();
    if (endAt !== null) await driver.finish(endAt);
    bar.finish();
    exporter.pump(this.totalOf(engine));
    this.finish(endAt);
    return {
      appended: this.sort.count - skip,
      ticks: driver.ticks,
      foldMs: io.clock.now() - startedAt,
      foldCpuMicros: io.cpuMicros() - cpuBefore,
      metrics: engine.metrics(),
      totalMetrics: this.totalOf(engine),
      reachedAt: endAt,
    };
  }

  /** --until, else the last input, never before what the state has reached. */
  private endOfTime(): EpochMs | null {
    const { until, atLeast } = this.options;
    const latest = Math.max(
      until ?? -NEVER,
      atLeast ?? -NEVER,
      this.intake.latestAt,
      this.progress.record.reachedAt ?? -NEVER,
    );
    return Number.isFinite(latest) ? latest : null;
  }

  private totalOf(engine: Engine): LaneMetrics {
    const total = newLaneMetrics();
    if (this.exporter.earlierMetrics) addMetrics(total, this.exporter.earlierMetrics);
    addMetrics(total, engine.metrics());
    return total;
  }

  private finish(reachedAt: EpochMs | null): void {
    const { record } = this.progress;
    const done = record.current?.files ?? [];
    this.progress.save({
      finished: [...record.finished, ...done],
      current: null,
      reachedAt,
      ...(done.length === 0
        ? {}
        : {
            tally: addTallies(record.tally, this.intake.tally),
            quality: mergeReports(record.quality, this.quality.report()),
          }),
    });
  }
}

/** Sign-up of a customer with a profile in the state; null where it does not say, undefined without a profile. */
function signUpHeld(state: OpenState, id: CustomerId): EpochMs | null | undefined {
  const profile = state.customer(id)?.facts.profile;
  if (profile === undefined || Object.keys(profile).length === 0) return undefined;
  return profile.createdAt?.value ?? null;
}

function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new CliError('interrupted', 'Stopped by a signal.');
}
