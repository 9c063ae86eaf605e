import type { Command } from 'commander';
import { contextOf, packagePath, withExamples, type Context } from '../context';
import { openForWork, stateDirectory } from '../embedded';
import { usageError } from '../errors';
import type { Io } from '../io';
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

async function run(context: Context, options: RunOptions): Promise<void> {
  const { io, reporter, settings } = context;
  const { values } = settings;
  const scorer = await io.openScorer(packagePath(io, values['models.directory']));
  const state = openForWork(context, stateDirectory(context, options.state), values['state.partitions']);
  const stop = new AbortController();
  io.signal.addEventListener('abort', () => stop.abort(), { once: true });
  if (io.signal.aborted) stop.abort();
  try {
    const onNote = (line: string): void => reporter.note(line);
    const service = await startService({ settings: values, state, scorer, clock: io.clock, stop, onNote });
    await reporter.text(
      `rescore listens on ${service.url}, state in ${state.embedded.environment.directory}.`,
    );
    await reporter.text(hints(service.url, values));
    await reporter.result({ url: service.url, state: state.embedded.environment.directory });
    await service.done;
    reporter.note('Stopped: everything that was acknowledged is kept.');
  } finally {
    await state.close();
    await scorer.release();
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
    .description('score live: take events over HTTP, rescore as they come and as time passes')
    .option('--embedded', 'everything in this process, with nothing else to install')
    .option('--state <dir>', 'state to keep (default: the setting state.directory)')
    .option('--port <number>', 'port of the collector (default: the setting collector.port)')
    .action(async (options: RunOptions, self: Command) => {
      if (options.embedded !== true)
        throw usageError('Only the embedded engine is there so far: add --embedded.');
      await run(withPort(contextOf(io, self), options.port), options);
    });
  withExamples(command, [
    ['rescore run --embedded', 'on the loopback address, port 8080'],
    [
      'RESCORE_COLLECTOR_READ_KEY=correct-horse rescore run --embedded --port 0',
      'readable, on any free port',
    ],
  ]);
}
