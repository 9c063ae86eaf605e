/** Which log and which scores a command is about: the archive, or a replay with its files. */
import type { Context } from '../context';
import { usageError } from '../errors';
import { withArchivedScores, type Recorded } from './recorded';
import { withReplayedScores } from './replayed';

export interface RecordedOptions {
  scores?: string;
  inputs?: string[];
  map?: string;
  format?: 'segment';
  /** Where the archive is, when not where the settings say. */
  archive?: string;
}

/** @throws CliError usage, and what opening either of them throws */
export function withRecorded<T>(
  context: Context,
  { scores, inputs, map, format, archive }: RecordedOptions,
  work: (recorded: Recorded) => Promise<T>,
): Promise<T> {
  if ((scores === undefined) !== (inputs === undefined))
    throw usageError('--scores and --inputs go together: the scores of a replay and the files that it read.');
  return scores === undefined || inputs === undefined
    ? withArchivedScores(context, work, archive)
    : withReplayedScores(context, { scores, inputs, map, format }, work);
}
