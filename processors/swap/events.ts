/** What a swap has to say: the log has its words. */
import type { RollbackReason } from './trial';

export type SwapEvent =
  | {
      kind: 'swapped';
      model: string;
      version: string;
      previous: string;
      tookMs: number;
      /** false: it needs no trial, or there are none. */
      isOnTrial: boolean;
    }
  | { kind: 'proven'; model: string; version: string; scored: number }
  /** The time of the trial is over, and too few rows were seen: it goes on until `wanted` are compared. */
  | { kind: 'trialExtended'; model: string; version: string; rows: number; wanted: number }
  | {
      kind: 'rolledBack';
      model: string;
      version: string;
      /** Scores again. */
      previous: string;
      reason: RollbackReason;
      words: string;
      /** From the swap to the rollback; null: it had scored from the start, or was proven. */
      scoredForMs: number | null;
      /** From noticing to the switch. */
      tookMs: number;
    }
  | { kind: 'shadowFailed'; model: string; version: string; reason: 'error' | 'slow'; words: string }
  | { kind: 'releaseFailed'; model: string; version: string; words: string };

export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
