import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { contextOf, PACKAGE_ROOT, withExamples, type Context } from '../context';
import { examineCluster } from '../doctor/cluster';
import { ok, problem, warning, why } from '../doctor/finding';
import type { Finding } from '../doctor/finding';
import { stateInUse } from '../embedded';
import { CliError, usageError } from '../errors';
import type { Io } from '../io';
import { modelsPlace } from '../models/registry';
import { bytes } from '../output/format';

const LOW_DISK_BYTES = 1 << 30;
function nodeVersion(): Finding {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return ok('node', process.version);
  return problem('node', process.version, 'Install Node 20.19 or later.');
}

function nativeModule(name: string): Finding {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- whether it loads is the question
    require(name);
    const manifest = JSON.parse(
      readFileSync(join(PACKAGE_ROOT, 'node_modules', name, 'package.json'), 'utf8'),
    ) as { version: string };
    return ok(name, manifest.version);
  } catch (error) {
    return problem(
      name,
      why(error),
      'Run `npm ci` on this machine: the package has a part for each platform.',
    );
  }
}

async function artifacts(context: Context): Promise<Finding> {
  const directory = context.settings.values['models.directory'];
  try {
    const scorer = await context.io.openScorer(modelsPlace(context.io, context.settings.values));
    const names = scorer.constants.models.map(model => `${model.name} ${model.version}`).join(', ');
    await scorer.release();
    return ok('models', `${names}: signatures, digests, layout and golden vectors verified`);
  } catch (error) {
    return problem('models', why(error), `Put signed artifacts into ${directory}, or set models.directory.`);
  }
}

function stateFolder(context: Context, directory: string): Finding[] {
  const existing = [directory, dirname(directory), context.io.cwd].find(existsSync) as string;
  const findings: Finding[] = [];
  try {
    accessSync(existing, constants.W_OK);
    findings.push(ok('state', existsSync(directory) ? directory : `${directory} (not made yet)`));
  } catch (error) {
    findings.push(
      problem('state', why(error), `Let this user write to ${existing}, or set state.directory.`),
    );
  }
  const { bavail, bsize } = statfsSync(existing);
  const free = bavail * bsize;
  findings.push(
    free < LOW_DISK_BYTES
      ? warning(
          'disk',
          `${bytes(free)} free`,
          'Make room: a full disk stops the collector (nothing acknowledged is lost).',
        )
      : ok('disk', `${bytes(free)} free`),
  );
  const holder = stateInUse(directory);
  if (holder !== null)
    findings.push(
      warning(
        'lock',
        `process ${holder} has the state open`,
        'Ask it over HTTP, or stop it before you use the state.',
      ),
    );
  return findings;
}

async function port(context: Context): Promise<Finding> {
  const { 'collector.host': host, 'collector.port': number } = context.settings.values;
  const error = await new Promise<Error | null>(resolve => {
    const server = createServer();
    server.once('error', resolve);
    server.listen(number, host, () => server.close(() => resolve(null)));
  });
  const place = `${host}:${number}`;
  return error === null
    ? ok('port', `${place} is free`)
    : warning(
        'port',
        `${place}: ${error.message}`,
        'Stop what listens there, or set collector.port or collector.host.',
      );
}

function keys({ settings: { values } }: Context): Finding[] {
  const local = ['127.0.0.1', '::1', 'localhost'].includes(values['collector.host']);
  if (local || values['collector.writeKeys'].length > 0) return [];
  return [
    warning('write keys', 'none, and the collector listens beyond this machine', 'Set collector.writeKeys.'),
  ];
}

interface Options {
  state?: string;
  cluster?: boolean;
}

async function examine(context: Context, { state, cluster = false }: Options): Promise<Finding[]> {
  const directory = context.path(state ?? context.settings.values['state.directory']);
  return [
    nodeVersion(),
    nativeModule('lmdb'),
    nativeModule('onnxruntime-node'),
    await artifacts(context),
    ...(cluster ? await examineCluster(context) : stateFolder(context, directory)),
    await port(context),
    ...(cluster ? [] : keys(context)),
  ];
}

export function doctorCommand(program: Command, io: Io): void {
  const command = program
    .command('doctor')
    .description('look at versions, files, artifacts and ports, and say what to do about each problem')
    .option('--state <dir>', 'state to look at (default: the setting state.directory)')
    .option('--cluster', 'look at Kafka, Redis and the registry instead of a state')
    .action(async (options: Options, self: Command) => {
      const context = contextOf(io, self);
      const { reporter } = context;
      const { colours } = reporter;
      if (options.cluster === true && options.state !== undefined)
        throw usageError('--state is of the embedded engine, --cluster is not: give one of them.');
      const findings = await examine(context, options);
      const paint = { ok: colours.green, warning: colours.yellow, problem: colours.red };
      await reporter.table(
        [{ title: 'check' }, { title: '' }, { title: 'found' }, { title: 'what to do' }],
        findings.map(({ check, state, found, remedy }) => [check, paint[state](state), found, remedy]),
      );
      await reporter.result(findings);
      const problems = findings.filter(finding => finding.state === 'problem').map(finding => finding.check);
      if (problems.length > 0)
        throw new CliError('unhealthy', `These need attention: ${problems.join(', ')}.`);
    });
  withExamples(command, [
    ['rescore doctor', 'when something does not work, and before a first run'],
    ['rescore doctor --cluster', 'before `rescore run`: topics, Redis and schemas as they have to be'],
    [
      'rescore --json doctor --state out/state',
      'for a health check; the exit code is 1 when there is a problem',
    ],
  ]);
}
