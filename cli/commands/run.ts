import type { Command } from 'commander';
import { connectedRedis, instanceName } from '../cluster/connections';
import { openNightMetrics } from '../cluster/night-metrics';
import { openProbes } from '../cluster/probes';
import { startWorker } from '../cluster/worker';
import { contextOf, withExamples, type Context } from '../context';
import { openForWork, stateDirectory } from '../embedded';
import { usageError } from '../errors';
import type { Io } from '../io';
import { openLiveModels, type LiveModels } from '../models/live';
import { memoryInRedis, memoryInState } from '../models/model-memory';
import { startService } from '../live/service';

interface RunOptions {
  embedded?: boolean;
  state?: string;
  port?: string;
}

/** The setting, or --port. */
function withPort(context: Context, port: string | undefined): Context {
  if (port === undefined) return context;
  const number = Number(port);
  if (!Number.isInteger(number) || number < 0 || number > 65_535)
    throw usageError(`--port ${port} is not a whole number from 0 to 65535.`);
  const values = { ...context.settings.values, 'collector.port': number };
  return { ...context, settings: { ...context.settings, values } };
}

/** Aborted when the process is asked to end. */
function stopOf(io: Io): AbortController {
  const stop = new AbortController();
  io.signal.addEventListener('abort', () => stop.abort(), { once: true });
  if (io.signal.aborted) stop.abort();
  return stop;
}

async function runDistributed(context: Context): Promise<void> {
  const { io, reporter, settings } = context;
  const { values } = settings;
  const stop = stopOf(io);
  const onNote = (line: string): void => reporter.note(line);
  // The worker has a connection of its own, which says what is to be said of Redis.
  const redis = await connectedRedis(values, () => undefined);
  const memory = memoryInRedis(redis, values['kafka.application']);
  const opened: { models?: Promise<LiveModels> } = {};
  const openModels = (): Promise<LiveModels> =>
    (opened.models ??= openLiveModels(io, values, `rescore ${instanceName(values)}`, onNote, memory));
  try {
    const scoring = () => openModels().then(models => ({ scorer: models.scorer, models }));
    const worker = await startWorker({ settings: values, clock: io.clock, stop, onNote, scoring });
    const models = await openModels();
    let probes: Awaited<ReturnType<typeof openProbes>> | null = null;
    const night = openNightMetrics(context);
    try {
      probes = await openProbes(values, worker, stop.signal, night?.metrics);
      const following = models.follow(stop.signal);
      const brokers = values['kafka.brokers'].join(', ');
      await reporter.text(
        `rescore works as ${instanceName(values)} of ${values['kafka.application']}: Kafka at ${brokers}, state in Redis at ${values['redis.addresses'].join(', ')}.`,
      );
      await reporter.text(`Watch: ${probes.url}/metrics, ${probes.url}/readyz`);
      await reporter.result({ url: probes.url, application: values['kafka.application'] });
      await worker.done;
      await following;
      reporter.note('Stopped: every batch that was begun is committed and published.');
    } finally {
      stop.abort();
      // A port that is taken is no reason to let the others wait for the session of this member to end.
      await worker.done.catch(() => undefined);
      await probes?.close();
      night?.close();
    }
  } finally {
    redis.disconnect();
    await opened.models?.then(
      models => models.close(),
      () => undefined,
    );
  }
}

async function runEmbedded(context: Context, options: RunOptions): Promise<void> {
  const { io, reporter, settings } = context;
  const { values } = settings;
  const onNote = (line: string): void => reporter.note(line);
  const stop = stopOf(io);
  const state = openForWork(context, stateDirectory(context, options.state), values['state.partitions']);
  let models: LiveModels | null = null;
  try {
    const memory = memoryInState(state.embedded);
    models = await openLiveModels(io, values, 'rescore run --embedded', onNote, memory);
    const work = { settings: values, clock: io.clock, stop, onNote };
    const service = await startService({ ...work, state, scorer: models.scorer, models });
    const following = models.follow(stop.signal);
    await reporter.text(
      `rescore listens on ${service.url}, state in ${state.embedded.environment.directory}.`,
    );
    await reporter.text(hints(service.url, values));
    await reporter.result({ url: service.url, state: state.embedded.environment.directory });
    await service.done;
    await following;
    reporter.note('Stopped: everything that was acknowledged is kept.');
  } finally {
    stop.abort();
    await state.close();
    await models?.close();
  }
}

function hints(url: string, values: Context['settings']['values']): string {
  const key = values['collector.writeKeys'].length > 0 ? ' -u WRITE_KEY:' : '';
  const event = `'{"userId":"kim","type":"page","name":"/"}'`;
  const reading =
    values['collector.readKey'] === ''
      ? 'Set collector.readKey to open GET /scores/:customer and GET /stream.'
      : `Read:  curl -H 'Authorization: Bearer READ_KEY' ${url}/scores/kim`;
  return `Write: curl${key} ${url}/v1/page -d ${event}\n${reading}\nWatch: ${url}/metrics`;
}

export function runCommand(program: Command, io: Io): void {
  const command = program
    .command('run')
    .description('score live: from Kafka with the state in Redis, or --embedded from HTTP in one process')
    .option('--embedded', 'everything in this process, with nothing else to install')
    .option('--state <dir>', 'state to keep, with --embedded (default: the setting state.directory)')
    .option('--port <number>', 'port for HTTP (default: the setting collector.port)')
    .action(async (options: RunOptions, self: Command) => {
      const context = withPort(contextOf(io, self), options.port);
      if (options.embedded === true) return runEmbedded(context, options);
      if (options.state !== undefined)
        throw usageError('--state is for --embedded; without it the state is in Redis (redis.addresses).');
      return runDistributed(context);
    });
  withExamples(command, [
    ['rescore run --embedded', 'on the loopback address, port 8080'],
    [
      'RESCORE_KAFKA_BROKERS=kafka:9092 RESCORE_REDIS_ADDRESSES=redis:6379 rescore run',
      'one of several processors; /metrics and /readyz on port 8080',
    ],
    [
      'RESCORE_COLLECTOR_READ_KEY=correct-horse rescore run --embedded --port 0',
      'readable, on any free port',
    ],
  ]);
}
