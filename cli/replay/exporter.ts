/**
 * Copies the output log into files, one JSON line a message. The sizes of the files are committed with the log's
 * cursor, and files are cut back to them when a run starts again, so every message is in them exactly once.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LaneMetrics } from '../../processors/runner';
import type { OutputTopic, ScoreCause } from '../../schemas';
import type { OutputRecord } from '../../streams/embedded';
import type { OpenState } from '../embedded';
import { messageAsJson } from '../output/json';
import { LineFile } from './line-file';

export const OUTPUT_FILES: Readonly<Record<OutputTopic, string>> = {
  'engagement-scores': 'scores.jsonl',
  'engagement-alerts': 'alerts.jsonl',
  sessions: 'sessions.jsonl',
  'late-events': 'late.jsonl',
  'dead-letters': 'dead-letters.jsonl',
};
const TOPICS = Object.keys(OUTPUT_FILES) as OutputTopic[];
const CURSOR = 'replay-export';
const PAGE = 2_000;

export interface ExportTally {
  lines: Record<OutputTopic, number>;
  /** Published scores by what caused the evaluation. */
  causes: Partial<Record<ScoreCause, number>>;
  alertsRaised: Record<string, number>;
  alertsCleared: Record<string, number>;
}

interface ExportNote {
  sizes: Record<OutputTopic, number>;
  tally: ExportTally;
  /** Of all runs until now; a run that was killed loses what it counted since the note before. */
  metrics: LaneMetrics | null;
}

const zeros = (): Record<OutputTopic, number> =>
  Object.fromEntries(TOPICS.map(topic => [topic, 0])) as Record<OutputTopic, number>;
const count = (counts: Partial<Record<string, number>>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1;
};

export class Exporter {
  private readonly files: Record<OutputTopic, LineFile>;
  private sequence: number;
  private readonly note: ExportNote;

  /** Opens the files of `out` and cuts them back to what was committed. */
  constructor(
    private readonly state: OpenState,
    out: string,
  ) {
    const { sequence, note } = state.embedded.output.cursor<ExportNote>(CURSOR);
    this.sequence = sequence;
    this.note = note ?? {
      sizes: zeros(),
      tally: { lines: zeros(), causes: {}, alertsRaised: {}, alertsCleared: {} },
      metrics: null,
    };
    mkdirSync(out, { recursive: true });
    this.files = Object.fromEntries(
      TOPICS.map(topic => [topic, new LineFile(join(out, OUTPUT_FILES[topic]), this.note.sizes[topic])]),
    ) as Record<OutputTopic, LineFile>;
  }

  get tally(): ExportTally {
    return this.note.tally;
  }

  /** Metrics of earlier runs of this state. */
  get earlierMetrics(): LaneMetrics | null {
    return this.note.metrics;
  }

  /** Copies what is new since the last call; commits when there was something, or `metrics` are to be kept. */
  pump(metrics: LaneMetrics | null = null): void {
    const { output } = this.state.embedded;
    const from = this.sequence;
    for (;;) {
      const page = output.read(this.sequence, PAGE);
      for (const record of page) this.add(record);
      if (page.length > 0) this.sequence = page[page.length - 1].sequence + 1;
      if (page.length < PAGE) break;
    }
    if (this.sequence === from && metrics === null) return;
    for (const topic of TOPICS) this.note.sizes[topic] = this.files[topic].sync();
    output.setCursor(CURSOR, this.sequence, { ...this.note, metrics: metrics ?? this.note.metrics });
  }

  /** Messages still to be copied. */
  get behind(): number {
    return this.state.embedded.output.head() - this.sequence;
  }

  /** Everything before this is in the files. */
  get position(): number {
    return this.sequence;
  }

  close(): void {
    for (const file of Object.values(this.files)) file.close();
  }

  private add({ topic, key, id, value }: OutputRecord): void {
    const { tally } = this.note;
    tally.lines[topic]++;
    if (value === null) {
      this.files[topic].add({ id, key, removed: true });
      return;
    }
    const message = this.state.codec.decodeOutput(topic, value);
    if ('cause' in message) count(tally.causes, message.cause);
    else if ('alertId' in message)
      count(message.state === 'raised' ? tally.alertsRaised : tally.alertsCleared, message.kind);
    this.files[topic].add({ id, ...messageAsJson(message) });
  }
}
