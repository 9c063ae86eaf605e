/** What a replay did and what the state holds now: the table at the end, summary.json and --json. */
import type { LaneMetrics } from '../../processors/runner';
import type { EpochMs } from '../../schemas';
import { bytes, count, duration, instant, money } from '../output/format';
import type { Census } from './census';
import type { ExportTally } from './exporter';
import type { IntakeTally } from './intake-tally';
import type { QualityReport } from './quality';
import type { ReplayRun } from './replay';
import type { SilenceReport } from './silences';

export interface ReplaySummary {
  /** Of all files of the state. */
  inputs: IntakeTally & { files: number };
  currency: string;
  reachedAt: string | null;
  customers: number;
  sessions: number;
  scores: number;
  alerts: { raised: Record<string, number>; cleared: Record<string, number> };
  lateEvents: number;
  deadLetters: number;
  duplicates: number;
  /** With no event at all: ticks that were carried out, and the scores that they published. */
  silent: { ticks: number; published: number };
  inactive: SilenceReport;
  state: { bytesPerCustomer: number; largestCustomerBytes: number };
  /** Of this run, from sorted row to committed and published score; ticks are counted apart. */
  speed: {
    events: number;
    ticks: number;
    seconds: number;
    cpuSeconds: number;
    eventsPerSecond: number;
    eventsPerCpuSecond: number;
    eventsAndTicksPerCpuSecond: number;
  };
}

const per = (amount: number, time: number): number => (time > 0 ? Math.round(amount / time) : 0);

function speedOf(run: ReplayRun): ReplaySummary['speed'] {
  const seconds = run.foldMs / 1_000;
  const cpuSeconds = run.foldCpuMicros / 1e6;
  return {
    events: run.appended,
    ticks: run.ticks,
    seconds,
    cpuSeconds,
    eventsPerSecond: per(run.appended, seconds),
    eventsPerCpuSecond: per(run.appended, cpuSeconds),
    eventsAndTicksPerCpuSecond: per(run.appended + run.ticks, cpuSeconds),
  };
}

export function summarise(parts: {
  run: ReplayRun;
  census: Census;
  exported: ExportTally;
  tally: IntakeTally;
  files: number;
  silences: SilenceReport;
  currency: string;
  reachedAt: EpochMs | null;
}): ReplaySummary {
  const { run, census, exported, tally, files, silences, currency, reachedAt } = parts;
  const { lines } = exported;
  const total: LaneMetrics = run.totalMetrics;
  return {
    inputs: { files, ...tally },
    currency,
    reachedAt: reachedAt === null ? null : instant(reachedAt),
    customers: census.customers,
    sessions: lines.sessions,
    scores: lines['engagement-scores'],
    alerts: { raised: exported.alertsRaised, cleared: exported.alertsCleared },
    lateEvents: lines['late-events'],
    deadLetters: lines['dead-letters'],
    duplicates: total.outcomes.duplicate,
    silent: { ticks: total.ticks, published: exported.causes.tick ?? 0 },
    inactive: silences,
    state: {
      bytesPerCustomer: census.customers === 0 ? 0 : Math.round(census.stateBytes / census.customers),
      largestCustomerBytes: census.largestBytes,
    },
    speed: speedOf(run),
  };
}

const listed = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([kind, n]) => `${count(n)} ${kind}`)
    .join(', ') || 'none';

/** The summary as rows of a table. */
export function summaryRows(s: ReplaySummary, quality: QualityReport): string[][] {
  const { inputs, silent, inactive, speed } = s;
  const odd = Object.entries(quality.findings).filter(([, finding]) => finding.count > 0);
  return [
    [
      'rows',
      `${count(inputs.rows)} in ${count(inputs.files)} file(s): ${count(inputs.webEvents)} web events, ${count(inputs.orderMessages)} order messages, ${count(inputs.profiles)} profiles, ${count(inputs.ignored)} left out, ${count(inputs.deadLetters)} dead letters`,
    ],
    ['money in completed orders', money(inputs.completedMinor, s.currency)],
    ['customers', count(s.customers)],
    ['time reached', s.reachedAt ?? 'no input'],
    ['sessions', count(s.sessions)],
    ['scores', count(s.scores)],
    ['alerts raised', listed(s.alerts.raised)],
    ['alerts cleared', listed(s.alerts.cleared)],
    ['late events', count(s.lateEvents)],
    ['duplicates', count(s.duplicates)],
    [
      'silent rescorings',
      `${count(silent.ticks)} ticks with no event at all, ${count(silent.published)} of them published a score`,
    ],
    ['silences over 30 days', silenceWords(inactive)],
    [
      'state',
      `${bytes(s.state.bytesPerCustomer)} per customer, the largest ${bytes(s.state.largestCustomerBytes)}`,
    ],
    [
      'speed of this run',
      `${count(speed.eventsPerSecond)} events/s, ${count(speed.eventsPerCpuSecond)} events per CPU-second; with ${count(speed.ticks)} ticks ${count(speed.eventsAndTicksPerCpuSecond)}; ${count(speed.events)} events in ${duration(speed.seconds * 1_000)}`,
    ],
    [
      'data quality',
      odd.map(([kind, finding]) => `${count(finding.count)} ${kind}`).join(', ') || 'nothing odd',
    ],
  ];
}

function silenceWords({ raised, ended, stillSilent, medianDaysUntilActive }: SilenceReport): string {
  if (raised === 0) return 'none';
  const later =
    medianDaysUntilActive === null
      ? 'in none of them a later event came'
      : `in ${count(ended)} a later event came, after ${medianDaysUntilActive.toFixed(1)} days (median)`;
  return `${count(raised)} alerts at their midnights; ${later}; ${count(stillSilent)} still silent`;
}
