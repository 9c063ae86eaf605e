/** A log and the scores that were published from it: what consistency is checked between. */
import type { PublishedScores } from '../../backfill/consistency';
import type { EventLog } from '../../processors/ports';
import { INPUT_TOPICS, type InputTopic } from '../../schemas';
import { openArchive } from '../../streams/archive';
import type { ArchiveStorage } from '../../streams/archive';
import { archivedScores } from '../../backfill/consistency';
import { withArchive } from '../cluster/archive';
import { openCodec, type PreparedCodec } from '../cluster/codec';
import type { Context } from '../context';
import { CliError } from '../errors';

export interface Recorded {
  /** For people. */
  source: string;
  log: EventLog;
  codec: PreparedCodec;
  scores: PublishedScores;
  /** Topics of a partition that lack what came first, or a gap that was accepted. */
  notWhole: (partition: number) => readonly InputTopic[];
}

/** @throws CliError archive-…, registry-…, scores-missing */
export const withArchivedScores = <T>(
  context: Context,
  work: (recorded: Recorded) => Promise<T>,
  /** archive.location, unless another place is given. */
  location?: string,
): Promise<T> => withArchive(context, storage => inArchive(context, storage, work), location);

async function inArchive<T>(
  { settings, io }: Context,
  storage: ArchiveStorage,
  work: (recorded: Recorded) => Promise<T>,
): Promise<T> {
  const archive = await openArchive(storage);
  if (!archive.coverage.some(({ topic }) => topic === 'engagement-scores'))
    throw new CliError('scores-missing', `The archive in ${storage.place} holds no scores.`);
  const codec = await openCodec(settings.values, io.clock, 'reads');
  const notWhole = (partition: number): InputTopic[] =>
    INPUT_TOPICS.filter(topic => {
      const held = archive.inputs.find(one => one.topic === topic && one.partition === partition);
      return held !== undefined && (held.start > 0 || held.gaps.length > 0);
    });
  return work({
    source: storage.place,
    log: archive.log(),
    codec,
    scores: archivedScores(storage, archive, codec),
    notWhole,
  });
}
