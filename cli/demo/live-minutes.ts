/**
 * The live part of the demonstration: the world goes on, its time runs fast, and lanes score as events come and as
 * time passes. What is worth a look is told line by line.
 */
import type { Clock, Scorer } from '../../processors/ports';
import type { WorldRecord, WorldSettings } from '../../processors/sim/world';
import { worldRecords } from '../../processors/sim/world';
import type { Alert, EngagementScore, EpochMs, InputTopic } from '../../schemas';
import { HOUR_MS } from '../../schemas';
import { acceleratedClock } from '../clock';
import type { OpenState } from '../embedded';
import { startLive } from '../live/engine';
import type { LiveEngine } from '../live/engine';
import { OutputTail } from '../live/output-tail';
import { count, instant } from '../output/format';
import type { Reporter } from '../output/reporter';
import { printable } from '../output/table';
import type { Settings } from '../settings';

export interface LiveMinutes {
  settings: Settings;
  state: OpenState;
  scorer: Scorer;
  clock: Clock;
  signal: AbortSignal;
  reporter: Reporter;
  world: WorldSettings;
  /** The instant that the replay has reached. */
  from: EpochMs;
  /** How long, in the demonstration's own time and in real time. */
  worldMs: number;
  realMs: number;
}

export interface LiveTally {
  events: number;
  scores: number;
  moved: number;
  alerts: number;
  /** Alerts that no event caused. */
  silent: number;
  /** One of those customers. */
  example: string | null;
}

/** Alerts that no event caused, told in words each half day; the rest is counted. */
const MOST_SILENT_LINES = 3;
const STEP_MS = 250;

export async function playLiveMinutes(minutes: LiveMinutes): Promise<LiveTally> {
  const { settings, state, scorer, signal, reporter, from, worldMs, realMs } = minutes;
  const clock = acceleratedClock(minutes.clock, from, worldMs / realMs);
  const stop = new AbortController();
  signal.addEventListener('abort', () => stop.abort(), { once: true });
  const engine = startLive(settings, state, scorer, clock, stop);
  const teller = new Teller(reporter, engine);
  const tail = new OutputTail(state, teller);
  const world = worldRecords(minutes.world);
  let next = skipTo(world, from);
  try {
    while (!stop.signal.aborted && clock.now() < from + worldMs) {
      next = await send(world, next, state, clock.now(), teller.tally);
      while (tail.pump() > 0);
      await teller.tell(clock.now());
      await minutes.clock.sleep(STEP_MS, stop.signal);
    }
  } finally {
    stop.abort();
    await engine.done;
    while (tail.pump() > 0);
  }
  await teller.tell(clock.now());
  return teller.tally;
}

type World = Generator<WorldRecord>;
type Next = WorldRecord | null;

const following = (world: World): Next => (world.next().value as WorldRecord | undefined) ?? null;

/** Everything before was replayed. */
function skipTo(world: World, from: EpochMs): Next {
  let next = following(world);
  while (next !== null && next.recordAt < from) next = following(world);
  return next;
}

/** Appends what has arrived by now, stamped by the log's clock as a collector does. */
async function send(
  world: World,
  first: Next,
  state: OpenState,
  now: EpochMs,
  tally: LiveTally,
): Promise<Next> {
  const { log } = state.embedded;
  let next = first;
  for (; next !== null && next.recordAt <= now; next = following(world)) {
    const value = state.codec.encodeInput<InputTopic>(next.topic, next.value);
    const record = { key: next.customerId, recordAt: now, value };
    await log.append(next.topic, log.partitionOf(next.customerId), [record]);
    tally.events++;
  }
  return next;
}

interface Told {
  event: 'score' | 'alert';
  data: string;
}

/** Turns what is published into lines. */
class Teller {
  readonly tally: LiveTally = { events: 0, scores: 0, moved: 0, alerts: 0, silent: 0, example: null };
  private readonly causes = new Map<string, string>();
  private readonly lines: string[] = [];
  private toldAt = -Infinity;

  constructor(
    private readonly reporter: Reporter,
    private readonly engine: LiveEngine,
  ) {}

  send({ event, data }: Told): void {
    if (event === 'score') this.score(JSON.parse(data) as EngagementScore);
    else this.alert(JSON.parse(data) as Alert);
  }

  private score({ customerId, cause, asOf }: EngagementScore): void {
    this.tally.scores++;
    if (cause === 'tick') this.tally.moved++;
    this.causes.set(`${customerId} ${asOf}`, cause);
  }

  private alert({ customerId, kind, state, asOf, sentence }: Alert): void {
    this.tally.alerts++;
    const isSilent = this.causes.get(`${customerId} ${asOf}`) === 'tick';
    if (!isSilent || state === 'cleared') return;
    this.tally.silent++;
    // The most interesting ones: who has bought before, and who fell.
    if (kind === 'churnRisk' || sentence.includes(', 0 orders') || this.lines.length >= MOST_SILENT_LINES)
      return;
    this.tally.example ??= customerId;
    const { colours } = this.reporter;
    const who = colours.bold(printable(customerId).padEnd(14));
    this.lines.push(
      `  ${instant(asOf).slice(0, 10)}  ${who} ${colours.red(kind)}, with no event at all: ${sentence}`,
    );
  }

  /** A line a day of the demonstration's time. */
  async tell(now: EpochMs): Promise<void> {
    if (now - this.toldAt < 12 * HOUR_MS) return;
    for (const line of this.lines.splice(0)) await this.reporter.text(line);
    this.toldAt = now;
    const { events, scores, moved, alerts, silent } = this.tally;
    const { colours } = this.reporter;
    const { churnRisk, inactive } = this.engine.metrics().alertsRaised;
    await this.reporter.text(
      `${colours.dim(instant(now).slice(0, 16).replace('T', ' '))}  ${count(events)} events, ${count(scores)} scores moved ` +
        `(${count(moved)} by time alone), ${count(alerts)} alerts (${count(inactive)} inactive, ${count(churnRisk)} churnRisk; ${count(silent)} raised in silence)`,
    );
  }
}
