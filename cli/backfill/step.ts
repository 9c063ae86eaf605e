/** What the steps of the nightly job have in common: the run folder, errors in our words, the archive that was planned. */
import type { Command } from 'commander';
import { UNKNOWN, codeCommit } from '../../backfill/baseline/code-commit';
import { codeDigest } from '../../backfill/baseline/code-digest';
import { BackfillError } from '../../backfill/pipeline/errors';
import { sha256 } from '../../backfill/pipeline/files';
import type { Plan } from '../../backfill/pipeline/plan';
import { RunFolder } from '../../backfill/pipeline/run-folder';
import type { EventLog } from '../../processors/ports';
import { openArchive } from '../../streams/archive';
import type { OpenArchive } from '../../streams/archive';
import { createAvroCodec } from '../../streams/avro/codec';
import { withArchive } from '../cluster/archive';
import { openCodec } from '../cluster/codec';
import type { PreparedCodec } from '../cluster/codec';
import { contextOf, type Context } from '../context';
import { CliError } from '../errors';
import type { Io } from '../io';
import { withLock } from './lock';
import { recorded, type Ending } from './recorded';

/** Folder inside the run folder that history from files is kept in. */
export const SOURCE = 'source';

export interface StepOptions {
  run: string;
  dryRun?: boolean;
  again?: boolean;
}

/** Options that all steps have, and `run`. */
export const stepOptions = (command: Command): Command =>
  command
    .option('--dry-run', 'say what would be done, do nothing')
    .option('--again', 'do it again, also where it is done');

/** A command of a step with the options that all have. */
export const stepCommand = (backfill: Command, name: string, description: string): Command =>
  stepOptions(
    backfill
      .command(name)
      .description(description)
      .requiredOption('--run <dir>', 'run folder that all steps share'),
  );

/** What a dry run answers, in words and for programs: whether the step would do something. */
export async function foresee(
  { reporter }: Context,
  open: boolean,
  said: string,
  more: object = {},
): Promise<'unchanged'> {
  await reporter.text(said);
  await reporter.result({ open, said, ...more });
  return 'unchanged';
}

/** Runs a step; what the backfill threw as a `CliError`. */
export async function inStep<T>(
  io: Io,
  command: Command,
  { run: given }: StepOptions,
  work: (context: Context, run: RunFolder) => Promise<T>,
): Promise<T> {
  const context = contextOf(io, command);
  try {
    return await work(context, new RunFolder(context.path(given)));
  } catch (error) {
    throw inOurWords(error, given);
  }
}

const UNWRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EIO']);

function inOurWords(error: unknown, given: string): unknown {
  if (error instanceof BackfillError) return new CliError(error.code, error.message);
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  const isOfDisk = syscall !== undefined && UNWRITABLE.has(code ?? '');
  return isOfDisk
    ? new CliError('run-unwritable', `The run folder ${given} can't be written: ${message}.`)
    : error;
}

/** As `inStep`, for a check or the report: never done for good, they look again whenever they are asked. */
export const inCheck = (
  io: Io,
  command: Command,
  options: StepOptions,
  work: (context: Context, run: RunFolder) => Promise<void>,
): Promise<void> =>
  inStep(io, command, options, async (context, run) => {
    if (options.dryRun === true) return work(context, run);
    await recorded(context, run, command.name(), async counting => {
      await work(counting, run);
      return 'done';
    });
  });

/** As `inStep`, for a step that writes into the folder itself: nobody else does meanwhile. It leaves its record. */
export const inStepAlone = (
  io: Io,
  command: Command,
  options: StepOptions,
  work: (context: Context, run: RunFolder) => Promise<Ending>,
): Promise<void> =>
  inStep(io, command, options, async (context, run) => {
    if (options.dryRun === true) await work(context, run);
    else
      await withLock(context, run.at('run.lock'), signal =>
        recorded({ ...context, io: withSignal(context.io, signal) }, run, command.name(), alone =>
          work(alone, run),
        ),
      );
  });

/** The same process otherwise. */
const withSignal = (io: Io, signal: AbortSignal): Io =>
  Object.create(io, { signal: { value: signal } }) as Io;

export interface PlannedArchive {
  /** See `foldedByUs`. */
  foldedBy: string;
  archive: OpenArchive;
  log: EventLog;
  codec: PreparedCodec;
}

/**
 * Digest of the release, and of where schemas come from: what decides besides a plan how records are read and folded. A
 * run goes on only from what the same ones have folded, else a mistake that was corrected would stay for ever.
 */
export function foldedByUs({ settings }: Context, archive: string): string {
  const commit = codeCommit();
  const program = commit === UNKNOWN ? codeDigest() : commit;
  // Files are brought into the run folder with the built-in schema ids, as where there is no registry.
  return sha256(JSON.stringify([program, archive === SOURCE ? '' : settings.values['registry.url']]));
}

/** The archive of a plan, open. @throws CliError archive-damaged, archive-refused, archive-unreachable */
export async function withPlanned<T>(
  context: Context,
  run: RunFolder,
  { source }: Plan,
  work: (planned: PlannedArchive) => Promise<T>,
): Promise<T> {
  const own = source.archive === SOURCE;
  const location = own ? run.at(SOURCE) : source.archive;
  const foldedBy = foldedByUs(context, source.archive);
  const codec = own ? createAvroCodec() : await openCodec(context.settings.values, context.io.clock, 'reads');
  return withArchive(
    context,
    async storage => {
      const archive = await openArchive(storage);
      return work({ foldedBy, archive, log: preparing(archive.log(), codec), codec });
    },
    location,
  );
}

/** Schema ids of a page are looked up before its records are decoded. */
function preparing(log: EventLog, codec: PreparedCodec): EventLog {
  if (codec.prepare === undefined) return log;
  return {
    partitions: log.partitions,
    partitionOf: key => log.partitionOf(key),
    starts: partition => log.starts(partition),
    ends: partition => log.ends(partition),
    append: (topic, partition, records) => log.append(topic, partition, records),
    committed: partition => log.committed(partition),
    read: async (partition, from, maxRecords, topics) => {
      const batches = await log.read(partition, from, maxRecords, topics);
      for (const { topic, records } of batches)
        await codec.prepare?.(
          topic,
          records.map(({ value }) => value),
        );
      return batches;
    },
  };
}
