/** `rescore models promote` and `rollback`: what moves the pointer, and leaves a line of the audit. */
import type { Command } from 'commander';
import { judge } from '../../models/gate/gate';
import type { GateCheck, Verdict } from '../../models/gate/gate';
import { incumbentOf } from '../../models/gate/incumbent';
import { microsPerRow } from '../../models/onnx/latency';
import { writeAudit } from '../../models/registry/audit';
import type { Decision } from '../../models/registry/audit';
import { bringIn, promoteVersion, rollBack } from '../../models/registry/publish';
import { loadVersion, seenPointer } from '../../models/registry/registry';
import type { StorePlace, VerifiedArtifact } from '../../models/registry/registry';
import type { SealedVersion } from '../../models/registry/sealed';
import { setShadow, shadowPointer } from '../../models/registry/shadow-pointer';
import { SECOND_MS } from '../../schemas';
import { contextOf, withExamples, type Context } from '../context';
import { CliError, usageError } from '../errors';
import type { Io } from '../io';
import { loadSealed, signedFolder } from '../models/folder';
import { count } from '../output/format';
import { printable } from '../output/table';
import { decider, gateLimits, replayed, versionsOf, withRegistry } from '../models/registry';

interface PromoteOptions {
  from?: string;
  dryRun?: boolean;
  force?: boolean;
  again?: boolean;
  reason?: string;
  by?: string;
}

export function promoteCommand(models: Command, io: Io): void {
  const command = models
    .command('promote <name> [version]')
    .description('let a version score: it is verified, then the gate judges it against the current one')
    .option('--from <folder>', 'a signed artifact in a folder: it is brought into the registry first')
    .option('--dry-run', 'ask the gate, change nothing')
    .option('--force', 'against the gate; needs --reason, and stays in the audit')
    .option('--again', 'the current version once more: processors that took it back try it anew')
    .option('--reason <text>', 'why, for the audit')
    .option('--by <name>', 'who decides, for the audit (default: the user of this process)')
    .action(async (name: string, version: string | undefined, options: PromoteOptions, self: Command) => {
      const context = contextOf(io, self);
      if ((version === undefined) === (options.from === undefined))
        throw usageError('Name a version of the registry, or a folder with --from (not both).');
      if (options.force === true && (options.reason ?? '').trim() === '')
        throw usageError('--force needs --reason: whoever reads the audit wants to know why.');
      await withRegistry(context, place => promote(context, place, name, version, options));
    });
  withExamples(command, [
    [
      'rescore models promote churn 20260201T000000Z-1a2b3c4d',
      'refused with every reason when the gate says no',
    ],
    [
      'rescore models promote churn --from runs/tonight/candidates/churn --dry-run',
      'what the gate says of a folder that was signed',
    ],
    [
      'rescore models promote churn 20260201T000000Z-1a2b3c4d --force --reason "first model of a young shop"',
      'against the gate',
    ],
    [
      'rescore models promote churn 20260201T000000Z-1a2b3c4d --again',
      'after processors took it back, and the cause is mended',
    ],
  ]);
}

async function promote(
  context: Context,
  place: StorePlace,
  name: string,
  given: string | undefined,
  options: PromoteOptions,
): Promise<void> {
  const { io, reporter, settings } = context;
  const sealed = options.from === undefined ? null : await signedFolder(context, name, options.from);
  const version = sealed?.version ?? given!;
  const seen = await seenPointer(place, name);
  const current = seen?.pointer.version ?? null;
  const isAgain = options.again === true;
  if (current === version && !isAgain)
    throw usageError(
      `${name}/${version} is the current version; with --again, processors that took it back try it anew.`,
    );
  if (current !== version && isAgain)
    throw usageError(`--again is for the current version, which is ${current ?? 'none'}.`);
  const startedAt = io.clock.now();
  const artifact = await candidate(place, name, version, sealed);
  const challenger = {
    manifest: artifact.manifest,
    microsPerRow: await microsPerRow(artifact, io.cpuMicros),
  };
  // Once more it is judged against what it took the place of.
  const champion = isAgain ? seen!.pointer.previous : current;
  const digest = isAgain ? null : (seen?.pointer.manifestSha256 ?? null);
  const incumbent = champion === null ? null : await incumbentOf(place, name, champion, digest);
  const verdict = judge(challenger, incumbent, gateLimits(settings.values));
  await printChecks(context, verdict.checks);
  const decision: Decision = {
    at: io.clock.now(),
    by: decider(context, options.by),
    reason: options.reason ?? '',
    forced: options.force === true && verdict.decision === 'reject',
    checks: verdict.checks,
  };
  const seconds = (decision.at - startedAt) / SECOND_MS;
  const decided = { name, version, current, verdict, seconds };
  if (options.dryRun === true) return sayDryRun(context, decided);
  if (verdict.decision === 'reject' && options.force !== true)
    return reject(context, place, decided, decision);
  if (sealed !== null) await bringIn(place, sealed, replayed);
  const pointer = await promoteVersion(place, name, version, replayed, decision, seen);
  await endShadow(place, name, version);
  await reporter.text(`${name}/${version} is current, publication ${count(pointer.sequence)}.`);
  await reporter.result({ ...resultOf(decided), promoted: true, pointer });
}

/** Who scores needs no shadow, and would be the shadow of whoever comes next. */
async function endShadow(place: StorePlace, name: string, version: string): Promise<void> {
  const shadow = await shadowPointer(place, name).catch(() => null);
  if (shadow?.version === version) await setShadow(place, name, null, replayed);
}

/** Verified, from the registry or from the folder. */
async function candidate(
  place: StorePlace,
  name: string,
  version: string,
  sealed: SealedVersion | null,
): Promise<VerifiedArtifact> {
  if (sealed !== null) return loadSealed(place, sealed);
  await versionsOf(place, name);
  return loadVersion(place, name, version, null);
}

interface Decided {
  name: string;
  version: string;
  current: string | null;
  verdict: Verdict;
  /** From reading the artifact to the gate's answer. */
  seconds: number;
}

const resultOf = ({ verdict, ...decided }: Decided) => ({ ...decided, ...verdict });

async function sayDryRun({ reporter }: Context, decided: Decided): Promise<void> {
  const { decision, reasons } = decided.verdict;
  await reporter.text(
    decision === 'promote'
      ? 'The gate would promote it. Nothing was changed.'
      : `The gate would refuse it for ${count(reasons.length)} reason(s). Nothing was changed.`,
  );
  await reporter.result({ ...resultOf(decided), promoted: false });
}

/** The line of the audit, every reason, and the exit code of a failure. */
async function reject(
  { reporter }: Context,
  { store }: StorePlace,
  decided: Decided,
  decision: Decision,
): Promise<never> {
  const { name, version, current, verdict } = decided;
  await writeAudit(store, { name, action: 'reject', version, current, sequence: null }, decision);
  await reporter.result({ ...resultOf(decided), promoted: false });
  throw new CliError('gate-rejected', `${name}/${version}: ${verdict.reasons.join('; ')}.`);
}

async function printChecks({ reporter }: Context, checks: readonly GateCheck[]): Promise<void> {
  const { colours } = reporter;
  const words = {
    passed: colours.green('passed'),
    failed: colours.red('failed'),
    notApplicable: colours.dim('not asked'),
  };
  await reporter.table(
    [{ title: 'check' }, { title: '' }, { title: 'what was found' }],
    checks.map(({ check, state, said }) => [check, words[state], printable(said)]),
  );
}

export function rollbackCommand(models: Command, io: Io): void {
  const command = models
    .command('rollback <name>')
    .description('let the version before score again, and withdraw the current one')
    .option('--to <version>', 'an older version')
    .requiredOption('--reason <text>', 'why, for the audit')
    .option('--by <name>', 'who decides, for the audit (default: the user of this process)')
    .action(async (name: string, options: { to?: string; reason: string; by?: string }, self: Command) => {
      const context = contextOf(io, self);
      await withRegistry(context, async place => {
        await versionsOf(place, name);
        const decision = {
          at: io.clock.now(),
          by: decider(context, options.by),
          reason: options.reason,
        };
        const pointer = await rollBack(place, name, replayed, decision, options.to ?? null);
        const withdrawn = pointer.withdrawn!.at(-1)!;
        await context.reporter.text(
          `${name}/${pointer.version} is current again, publication ${count(pointer.sequence)}. ${withdrawn} is withdrawn: publishing does not bring it back, \`rescore models promote\` does.`,
        );
        await context.reporter.result({ name, version: pointer.version, withdrawn, pointer });
      });
    });
  withExamples(command, [
    ['rescore models rollback churn --reason "twice the alerts"', 'to the version before the current one'],
    ['rescore models rollback churn --to 20260101T000000Z-c3007c44 --reason "last good one"', 'further back'],
  ]);
}
