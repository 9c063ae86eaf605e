import type { Command } from 'commander';
import { Archiver, EventLogSource, KafkaSource, openArchive, verifyArchive } from '../../streams/archive';
import type { ArchiveSource, ArchiveStorage, Coverage } from '../../streams/archive';
import { withKafka } from '../cluster/admin';
import { withArchive } from '../cluster/archive';
import { contextOf, withExamples, type Context } from '../context';
import { openForReading } from '../embedded';
import { CliError, usageError } from '../errors';
import type { Io } from '../io';
import { bytes, count, instant } from '../output/format';

interface RunOptions {
  once?: boolean;
  tail?: boolean;
  acceptGap?: boolean;
  state?: string;
}

/** Between two rounds: files end by the thousands of records, or by the day. */
const ROUND_MS = 10_000;

interface Written {
  files: number;
  records: number;
  bytes: number;
}

async function openArchiver(
  context: Context,
  storage: ArchiveStorage,
  source: ArchiveSource,
  acceptGap: boolean,
  written: Written,
  onRead: (records: number) => void,
): Promise<Archiver> {
  const { reporter, io, settings } = context;
  const fileOffsets = settings.values['archive.fileOffsets'];
  const archiver = await Archiver.open({
    storage,
    source,
    clock: io.clock,
    fileOffsets,
    acceptGap,
    signal: io.signal,
    onRead,
    onFile: file => {
      written.files++;
      written.records += file.records;
      written.bytes += file.bytes;
      reporter.detail(`${file.name}: ${count(file.records)} records, ${bytes(file.bytes)}`);
    },
    onGap: ({ topic, partition, from, to }) =>
      reporter.note(
        `Partition ${partition} of ${topic}: offsets ${from} to ${to - 1} are lost, as accepted.`,
      ),
  });
  if (archiver.fileOffsets !== fileOffsets)
    reporter.note(
      `The archive has ${archiver.fileOffsets} offsets a file and keeps to that; archive.fileOffsets says ${fileOffsets}.`,
    );
  return archiver;
}

async function runArchive(context: Context, options: RunOptions): Promise<Written> {
  const { once = false, tail = false, acceptGap = false } = options;
  if (tail && !once) throw usageError('--tail closes the files once, at the present end: give --once too.');
  const { io, reporter } = context;
  const written: Written = { files: 0, records: 0, bytes: 0 };
  await withArchive(context, storage =>
    withSource(context, options, async source => {
      let read = 0;
      let onRead: (records: number) => void = () => undefined;
      const archiver = await openArchiver(context, storage, source, acceptGap, written, n => onRead(n));
      const progress = reporter.progress('archive', await archiver.behind(), 'offsets');
      onRead = records => progress.update((read += records));
      await archiver.round(tail);
      progress.finish();
      onRead = () => undefined;
      while (!once && !io.signal.aborted) {
        await io.clock.sleep(ROUND_MS, io.signal);
        await archiver.round();
      }
    }),
  );
  if (once && io.signal.aborted) throw new CliError('interrupted', 'The archive was stopped on the way.');
  return written;
}

/** Kafka, or the log of a state; a process may work on it. */
function withSource(
  context: Context,
  { state: directory, once }: RunOptions,
  work: (source: ArchiveSource) => Promise<void>,
): Promise<void> {
  if (directory !== undefined) {
    if (once !== true) throw usageError('The log of a state is archived once: give --once too.');
    return withStateLog(context, directory, work);
  }
  return withKafka(context, async kafka => {
    const source = await KafkaSource.open(kafka, context.settings.values['kafka.topicPrefix']);
    try {
      await work(source);
    } finally {
      await source.close();
    }
  });
}

async function withStateLog(
  context: Context,
  directory: string,
  work: (source: ArchiveSource) => Promise<void>,
): Promise<void> {
  const state = openForReading(context.path(directory));
  try {
    await work(new EventLogSource(state.embedded.log));
  } finally {
    await state.close();
  }
}

function runCommand(archive: Command, io: Io): void {
  const command = archive
    .command('run')
    .description('write inputs and scores to archive.location; run one at a time')
    .option('--once', 'up to the present end, then stop')
    .option(
      '--tail',
      'with --once: close files that may still grow. Their boundaries then depend on when this ran, not only on the data',
    )
    .option('--state <dir>', 'with --once: the log of an embedded state instead of Kafka')
    .option('--accept-gap', 'go on behind records that retention removed before they were archived')
    .action(async (options: RunOptions, self: Command) => {
      const context = contextOf(io, self);
      const written = await runArchive(context, options);
      await context.reporter.text(
        `${count(written.files)} file(s) written: ${count(written.records)} records, ${bytes(written.bytes)}.`,
      );
      await context.reporter.result(written);
    });
  withExamples(command, [
    ['rescore archive run', 'goes on until it is stopped; started again it goes on where its files end'],
    ['rescore archive run --once', 'for a timer: whatever has ended by now'],
    ['rescore archive run --once --tail', 'everything up to this moment, before a rebuild or a move'],
  ]);
}

function verifyCommand(archive: Command, io: Io): void {
  const command = archive
    .command('verify')
    .description('read every file, compare its digest with its manifest, and name holes')
    .action(async (_options: object, self: Command) => {
      const context = contextOf(io, self);
      const { reporter } = context;
      let progress: ReturnType<typeof reporter.progress> | null = null;
      const found = await withArchive(context, storage =>
        verifyArchive(storage, {
          signal: io.signal,
          onFile: (done, total) => {
            progress ??= reporter.progress('verify', total, 'files');
            progress.update(done);
          },
        }),
      );
      (progress as { finish: () => void } | null)?.finish();
      if (io.signal.aborted)
        throw new CliError('interrupted', `Only ${count(found.files)} file(s) were read.`);
      const { coverage: _coverage, ...result } = found;
      await reporter.text(
        `${count(found.files)} file(s), ${count(found.records)} records, ${bytes(found.bytes)}.`,
      );
      for (const problem of found.problems) await reporter.text(problem);
      if (found.strays.length > 0)
        reporter.note(`${count(found.strays.length)} file(s) are in no manifest, left by a crash: harmless.`);
      await reporter.result(result);
      if (found.problems.length > 0)
        throw new CliError('archive-damaged', `${count(found.problems.length)} problem(s) were found.`);
    });
  withExamples(command, [
    ['rescore archive verify', 'the exit code is 1 when something is damaged or missing'],
  ]);
}

const rangesOf = (ranges: Coverage['holes']): string =>
  ranges.map(({ from, to }) => `${from} to ${to - 1}`).join(', ');

function coverageCommand(archive: Command, io: Io): void {
  const command = archive
    .command('coverage')
    .description('what is archived: offsets, records and time, by topic and partition')
    .action(async (_options: object, self: Command) => {
      const context = contextOf(io, self);
      const { partitions, coverage } = await withArchive(context, openArchive);
      await context.reporter.table(
        [
          { title: 'topic' },
          { title: 'partition', right: true },
          { title: 'from', right: true },
          { title: 'to', right: true },
          { title: 'records', right: true },
          { title: 'first' },
          { title: 'last' },
          { title: 'missing' },
          { title: 'accepted' },
        ],
        coverage.map(one => [
          one.topic,
          count(one.partition),
          count(one.start),
          count(one.end),
          count(one.records),
          instant(one.firstRecordAt),
          instant(one.lastRecordAt),
          rangesOf(one.holes),
          rangesOf(one.gaps),
        ]),
      );
      await context.reporter.result({
        partitions,
        coverage: coverage.map(one => ({
          ...one,
          firstRecordAt: instant(one.firstRecordAt),
          lastRecordAt: instant(one.lastRecordAt),
        })),
      });
    });
  withExamples(command, [['rescore archive coverage --json', 'for programs']]);
}

export function archiveCommand(program: Command, io: Io): void {
  const archive = program
    .command('archive')
    .description('keep inputs and scores in a folder or in S3, for ever and byte for byte');
  runCommand(archive, io);
  verifyCommand(archive, io);
  coverageCommand(archive, io);
}
