/**
 * What became of customers who fell silent, from the alerts of a replay: how often `inactive` was raised, how often
 * a later event ended it, and after how long.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { DAY_MS, type Alert } from '../../schemas';

export interface SilenceReport {
  raised: number;
  /** Silences that a later activity ended. */
  ended: number;
  stillSilent: number;
  /** From the midnight of the alert to the activity that ended it, median; null when none ended. */
  medianDaysUntilActive: number | null;
}

const median = (sorted: Float64Array): number | null => {
  if (sorted.length === 0) return null;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

export async function countSilences(alertsFile: string): Promise<SilenceReport> {
  const open = new Map<string, number>();
  const gaps: number[] = [];
  let raised = 0;
  for await (const line of createInterface({
    input: createReadStream(alertsFile, 'utf8'),
    crlfDelay: Infinity,
  })) {
    const alert = JSON.parse(line) as Partial<Alert>;
    if (alert.kind !== 'inactive' || alert.alertId === undefined || alert.since === undefined) continue;
    if (alert.state === 'raised') {
      raised++;
      open.set(alert.alertId, alert.since);
      continue;
    }
    const since = open.get(alert.alertId);
    if (since === undefined) continue;
    open.delete(alert.alertId);
    gaps.push((alert.since - since) / DAY_MS);
  }
  return {
    raised,
    ended: gaps.length,
    stillSilent: open.size,
    medianDaysUntilActive: median(Float64Array.from(gaps).sort()),
  };
}
