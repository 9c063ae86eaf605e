import type { Command } from 'commander';
import { FencedError } from '../../processors/ports';
import { LaneLostError } from '../../processors/runner';
import { RedisStateStore } from '../../processors/state/redis';
import { openArchive } from '../../streams/archive';
import type { OpenArchive } from '../../streams/archive';
import { withKafka } from '../cluster/admin';
import { withArchive } from '../cluster/archive';
import { openCodec } from '../cluster/codec';
import { connectedRedis } from '../cluster/connections';
import {
  checkEmpty,
  checkNobodyWorks,
  checkResumable,
  checkWhole,
  planRebuild,
} from '../cluster/rebuild-plan';
import { rebuildPartition, sumOf } from '../cluster/rebuild';
import type { Reach, RebuildOptions } from '../cluster/rebuild';
import { contextOf, withExamples, type Context } from '../context';
import { CliError } from '../errors';
import type { Io } from '../io';
import { inputRules } from '../lanes';
import { count } from '../output/format';
import { wholeOption } from '../published/options';
import { coreSettings } from '../settings';
import { modelsPlace } from '../models/registry';

interface Options {
  atOnce: string;
  acceptGap?: boolean;
  again?: boolean;
}

type Redis = Awaited<ReturnType<typeof connectedRedis>>;

/** Everything that can be seen to be wrong is seen before the first write. */
async function checkedPlan(
  context: Context,
  archive: OpenArchive,
  redis: Redis,
  options: Options,
): Promise<Reach[]> {
  const { reporter, settings } = context;
  const { values } = settings;
  if (options.again !== true) await checkEmpty(redis, values);
  checkWhole(archive.inputs, options.acceptGap ?? false, line => reporter.note(line));
  return withKafka(context, async kafka => {
    const application = values['kafka.application'];
    await checkNobodyWorks(kafka, application);
    const plan = await planRebuild(archive, kafka, values);
    if (options.again === true) await checkResumable(new RedisStateStore(redis, application), plan);
    return plan;
  });
}

async function rebuildAll(
  context: Context,
  archive: OpenArchive,
  redis: Redis,
  plan: readonly Reach[],
  atOnce: number,
): Promise<void> {
  const { io, reporter, settings } = context;
  const { values } = settings;
  const codec = await openCodec(values, io.clock);
  const scorer = await io.openScorer(modelsPlace(io, values));
  const total = plan.reduce((sum, { from, to }) => sum + sumOf(to) - sumOf(from), 0);
  const progress = reporter.progress('rebuild', total, 'offsets');
  let done = 0;
  const failed = new AbortController();
  const options: Omit<RebuildOptions, 'archive'> = {
    store: new RedisStateStore(redis, values['kafka.application']),
    scorer,
    codec,
    clock: io.clock,
    core: coreSettings(values),
    rules: inputRules(values),
    lane: {
      maxRecords: values['lane.batchRecords'],
      maxCustomers: values['lane.batchCustomers'],
      maxMessageBytes: values['lane.maxMessageBytes'],
      source: values['kafka.application'],
    },
    signal: AbortSignal.any([io.signal, failed.signal]),
    onProgress: offsets => progress.update((done += offsets)),
  };
  const waiting = [...plan];
  const work = async (): Promise<void> => {
    try {
      for (
        let reach = waiting.shift();
        reach !== undefined && !options.signal.aborted;
        reach = waiting.shift()
      )
        await rebuildPartition(reach, { ...options, archive: archive.log({ overHoles: true }) });
    } catch (error) {
      failed.abort();
      throw error;
    }
  };
  try {
    const workers = await Promise.allSettled(Array.from({ length: atOnce }, work));
    for (const worker of workers) if (worker.status === 'rejected') throw inOurWords(worker.reason);
  } finally {
    progress.finish();
    await scorer.release();
  }
  if (io.signal.aborted)
    throw new CliError(
      'rebuild-unfinished',
      'The rebuild was stopped on the way: rescore state rebuild --again goes on.',
    );
}

function inOurWords(error: unknown): unknown {
  if (error instanceof FencedError || error instanceof LaneLostError)
    return new CliError('rebuild-unfinished', `A processor has come between: ${error.message}`);
  return error;
}

export function rebuildCommand(state: Command, io: Io): void {
  const command = state
    .command('rebuild')
    .description('build the state in Redis anew from the archive; Redis must hold none, no processor may run')
    .option('--at-once <n>', 'partitions at the same time', '2')
    .option('--accept-gap', 'also from an archive that lacks offsets')
    .option('--again', 'go on with a rebuild that was stopped, where it was')
    .action(async (options: Options, self: Command) => {
      const context = contextOf(io, self);
      const { reporter, settings } = context;
      const atOnce = wholeOption('at-once', options.atOnce);
      const redis = await connectedRedis(settings.values, line => reporter.detail(line));
      try {
        const plan = await withArchive(context, async storage => {
          const archive = await openArchive(storage);
          const reaches = await checkedPlan(context, archive, redis, options);
          await rebuildAll(context, archive, redis, reaches, atOnce);
          return reaches;
        });
        await reporter.text(
          `The state of ${count(plan.length)} partition(s) is rebuilt. Start the processors: they read on from there, in silence up to what was published before, then publish the present score of every customer.`,
        );
        await reporter.result({
          partitions: plan.map(({ partition, from, to }) => ({ partition, from, to })),
        });
      } finally {
        redis.disconnect();
      }
    });
  withExamples(command, [
    ['rescore archive run --once --tail', 'first: everything that Kafka still holds'],
    ['rescore state rebuild', 'then: every partition, two at a time'],
    ['rescore state rebuild --again', 'after it was stopped: what is done is kept'],
  ]);
}
