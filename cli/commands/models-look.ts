/** `rescore models list`, `show`, `diff`: nothing here changes anything. */
import type { Command } from 'commander';
import { ArtifactError } from '../../models';
import { readAudit } from '../../models/registry/audit';
import type { AuditEntry } from '../../models/registry/audit';
import type { Manifest } from '../../models/registry/manifest';
import type { Pointer } from '../../models/registry/pointer';
import { currentPointer, listVersions, loadManifest } from '../../models/registry/registry';
import type { StorePlace } from '../../models/registry/registry';
import { contextOf, withExamples, type Context } from '../context';
import { usageError } from '../errors';
import type { Io } from '../io';
import { folderManifest } from '../models/folder';
import { bytes, count } from '../output/format';
import { printable } from '../output/table';
import { manifestDifferences } from '../models/differences';
import { currentVersion, withRegistry } from '../models/registry';

type Standing = 'current' | 'previous' | 'withdrawn' | '';

function standing(pointer: Pointer | null, version: string): Standing {
  if (pointer?.version === version) return 'current';
  if (pointer?.previous === version) return 'previous';
  return pointer?.withdrawn?.includes(version) === true ? 'withdrawn' : '';
}

/** What may be known of a version without its files; the error's code where nothing may. */
async function manifestOrCode(
  place: StorePlace,
  name: string,
  version: string,
): Promise<Manifest | ArtifactError> {
  try {
    return await loadManifest(place, name, version, null);
  } catch (error) {
    if (error instanceof ArtifactError) return error;
    throw error;
  }
}

const round = (value: number): string => String(Number(value.toPrecision(4)));
const sizeOf = ({ files }: Manifest): number =>
  Object.values(files).reduce((sum, file) => sum + file.bytes, 0);

/** One or two figures say how good it is. */
const headline = ({ metrics }: Manifest): string =>
  ['auc', 'r2', 'gini', 'calibrationError']
    .filter(metric => metric in metrics)
    .slice(0, 2)
    .map(metric => `${metric} ${round(metrics[metric].value)}`)
    .join(', ');

export function listCommand(models: Command, io: Io): void {
  const command = models
    .command('list')
    .description('every version in the registry: which scores, what it learned from, how good it is')
    .action(async (_options: object, self: Command) => {
      const context = contextOf(io, self);
      const { listed, damaged } = await withRegistry(context, listAll);
      await context.reporter.table(
        [
          { title: 'model' },
          { title: 'version' },
          { title: '' },
          { title: 'data until' },
          { title: 'customers', right: true },
          { title: 'metrics' },
          { title: 'size', right: true },
          { title: 'signature' },
        ],
        listed.map(({ name, version, standing: place, manifest, problem }) =>
          manifest === null
            ? [name, version, place, '', '', '', '', problem!]
            : [
                name,
                version,
                place,
                manifest.trainingRange.archiveEnd.slice(0, 10),
                count(manifest.rows.train.customers),
                headline(manifest),
                bytes(sizeOf(manifest)),
                'trusted',
              ],
        ),
      );
      if (listed.length === 0) context.reporter.note('The registry is empty.');
      await context.reporter.result(
        listed.map(({ manifest, ...one }) => ({
          ...one,
          archiveEnd: manifest?.trainingRange.archiveEnd ?? null,
          metrics: manifest?.metrics ?? null,
          bytes: manifest === null ? null : sizeOf(manifest),
        })),
      );
      // After the list: whoever mends a pointer looks for a version that it may name.
      if (damaged !== null) throw damaged;
    });
  withExamples(command, [
    ['rescore models list', 'of the registry that models.directory names'],
    ['RESCORE_MODELS_DIRECTORY=s3://shop/models rescore --json models list', 'of a bucket, for a program'],
  ]);
}

async function listAll(place: StorePlace) {
  const listed = [];
  let damaged: ArtifactError | null = null;
  for (const [name, versions] of await listVersions(place)) {
    const pointer = await currentPointer(place, name).catch((error: unknown) => {
      if (!(error instanceof ArtifactError)) throw error;
      damaged ??= error;
      return null;
    });
    for (const version of versions) {
      const found = await manifestOrCode(place, name, version);
      const isError = found instanceof ArtifactError;
      listed.push({
        name,
        version,
        standing: standing(pointer, version),
        manifest: isError ? null : found,
        problem: isError ? found.code : null,
      });
    }
  }
  return { listed, damaged: damaged as ArtifactError | null };
}

export function showCommand(models: Command, io: Io): void {
  const command = models
    .command('show <name> [version]')
    .description('one version (default: the current one): data, metrics, parameters, and what was decided')
    .option('--decisions <number>', 'how many lines of the audit', '10')
    .action(
      async (name: string, given: string | undefined, options: { decisions: string }, self: Command) => {
        const context = contextOf(io, self);
        const limit = Number(options.decisions);
        if (!Number.isSafeInteger(limit) || limit < 1)
          throw usageError(`--decisions ${options.decisions} is not a whole number from 1.`);
        await withRegistry(context, async place => {
          const version = given ?? (await currentVersion(place, name));
          const manifest = await loadManifest(place, name, version, null);
          const pointer = await currentPointer(place, name);
          const audit = await readAudit(place.store, name, limit);
          await printVersion(context, manifest, standing(pointer, version));
          await printDecisions(context, audit);
          await context.reporter.result({ manifest, pointer, audit });
        });
      },
    );
  withExamples(command, [
    ['rescore models show churn', 'the version that scores now'],
    ['rescore models show churn 20260101T000000Z-c3007c44 --decisions 50', 'another one, with a long past'],
  ]);
}

async function printVersion({ reporter }: Context, manifest: Manifest, place: Standing): Promise<void> {
  const { trainingRange: range, rows, parameters } = manifest;
  await reporter.table(
    [{ title: `${manifest.name}/${manifest.version}` }, { title: place }],
    [
      ['set', manifest.set],
      ['source', printable(range.source)],
      ['snapshots', `${range.from} to ${range.until}`],
      ['archive until', range.archiveEnd],
      ['training', `${count(rows.train.rows)} rows of ${count(rows.train.customers)} customers`],
      ['validation', `${count(rows.validation.rows)} rows of ${count(rows.validation.customers)} customers`],
      ['layout', `${manifest.layout.fingerprint.slice(0, 12)}, ${manifest.layout.width} features`],
      ['code, seed', `${manifest.codeCommit.slice(0, 12)}, ${manifest.seed}`],
      ['size', bytes(sizeOf(manifest))],
      [
        'parameters',
        printable(
          Object.entries(parameters)
            .map(([key, value]) => `${key}=${value}`)
            .join(' '),
        ),
      ],
    ],
  );
  await reporter.table(
    [{ title: 'metric' }, { title: 'value', right: true }, { title: '95 % interval' }],
    Object.entries(manifest.metrics).map(([metric, { value, low, high }]) => [
      printable(metric),
      round(value),
      `${round(low)} to ${round(high)}`,
    ]),
  );
}

async function printDecisions({ reporter }: Context, audit: readonly AuditEntry[]): Promise<void> {
  if (audit.length === 0) return reporter.text('No decision is on record.');
  await reporter.table(
    [{ title: 'decided' }, { title: 'what' }, { title: 'version' }, { title: 'by' }, { title: 'why' }],
    audit.map(({ at, action, version, by, reason, forced, checks }) => [
      at,
      forced ? `${action} (forced)` : action,
      version,
      printable(by),
      printable(
        [reason, ...checks.filter(({ state }) => state === 'failed').map(({ said }) => said)]
          .filter(text => text !== '')
          .join('; '),
      ),
    ]),
  );
}

export function diffCommand(models: Command, io: Io): void {
  const command = models
    .command('diff <name> [version] [other]')
    .description('what differs between two versions; the other one is the current one by default')
    .option('--from <folder>', 'an artifact in a folder, signed or not yet, instead of the first version')
    .action(
      async (
        name: string,
        first: string | undefined,
        second: string | undefined,
        { from }: { from?: string },
        self: Command,
      ) => {
        if (from === undefined && first === undefined)
          throw usageError('Name a version of the registry, or a folder with --from.');
        if (from !== undefined && second !== undefined)
          throw usageError('--from stands for the first version: name one other at most.');
        const context = contextOf(io, self);
        await withRegistry(context, async place => {
          const given = from === undefined ? second : first;
          const other = given ?? (await currentVersion(place, name));
          const before = await loadManifest(place, name, other, null);
          const after =
            from === undefined
              ? await loadManifest(place, name, first!, null)
              : await folderManifest(context, name, from);
          await sayDifferences(context, before, after);
        });
      },
    );
  withExamples(command, [
    ['rescore models diff churn 20260201T000000Z-1a2b3c4d', 'against the version that scores now'],
    [
      'rescore models diff churn --from runs/tonight/candidates/churn',
      'a candidate of the night against the version that scores now',
    ],
  ]);
}

async function sayDifferences({ reporter }: Context, before: Manifest, after: Manifest): Promise<void> {
  const differences = manifestDifferences(before, after);
  if (differences.length === 0) await reporter.text('Nothing differs.');
  else
    await reporter.table(
      [
        { title: 'field' },
        { title: before.version },
        { title: after.version },
        { title: 'change', right: true },
      ],
      differences.map(({ field, before: was, after: is, change }) => [
        printable(field),
        printable(was),
        printable(is),
        change === null ? '' : `${change > 0 ? '+' : ''}${round(change)}`,
      ]),
    );
  await reporter.result({
    name: after.name,
    before: before.version,
    after: after.version,
    differences,
  });
}
