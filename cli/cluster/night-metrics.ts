/** What the last night found, on the page of a processor: a Job has ended before anybody could ask it. */
import { basename, dirname } from 'node:path';
import type { Clock } from '../../processors/ports';
import { openStorage } from '../../streams/archive';
import type { Context } from '../context';

const REFRESH_MS = 60_000;
const MAX_BYTES = 1 << 20;
/** Whatever else were in it would stand beside the metrics of the processor, under their names. */
const OURS = /^(# (HELP|TYPE) )?rescore_(consistency|night|matured|promised)_[a-z0-9_]*[ {]/;

const isOurs = (text: string): boolean =>
  text
    .trimEnd()
    .split('\n')
    .every(line => OURS.test(line));

export class NightMetrics {
  private text = '';
  /** Null: not asked yet. */
  private isRead: boolean | null = null;
  private askedAt = -Infinity;

  /** `read` gives the bytes of the file, null when there is none. */
  constructor(
    private readonly read: () => Promise<Buffer | null>,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  /** What was read last, in the text format. A scrape doesn't wait for a bucket: it asks for what the next one shows. */
  page(): string {
    if (this.clock.now() - this.askedAt >= REFRESH_MS) {
      this.askedAt = this.clock.now();
      void this.refresh();
    }
    if (this.isRead === null) return '';
    const name = 'rescore_night_metrics_read';
    const help = 'Whether the metrics of the last night (backfill.metrics) could be read.';
    return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${Number(this.isRead)}\n${this.text}`;
  }

  async refresh(): Promise<void> {
    const bytes = await this.read().catch(() => null);
    const text = bytes === null || bytes.length > MAX_BYTES ? null : bytes.toString('utf8');
    this.isRead = text !== null && isOurs(text);
    // What the night before found stays true while a bucket is away.
    if (this.isRead) this.text = `${text!.trimEnd()}\n`;
  }
}

/** Null where the setting names none. */
export function openNightMetrics({
  settings,
  path,
  io,
}: Context): { metrics: NightMetrics; close: () => void } | null {
  const { values } = settings;
  const given = values['backfill.metrics'];
  if (given === '') return null;
  const file = given.startsWith('s3://') ? given : path(given);
  const storage = openStorage({
    location: dirname(file),
    s3Endpoint: values['archive.s3Endpoint'],
    s3Region: values['archive.s3Region'],
  });
  const metrics = new NightMetrics(() => storage.read(basename(file)), io.clock);
  return { metrics, close: () => storage.close() };
}
