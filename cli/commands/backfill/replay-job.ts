/** `rescore backfill replay-job`: the replay of a night as an Indexed Job of Kubernetes, one pod for each work item. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { contextOf, withExamples, type Context } from '../../context';
import { CliError } from '../../errors';
import type { Io } from '../../io';
import { ACCOUNT_FOLDER, openClusterApi } from '../../kubernetes/api';
import { followJob, openJob } from '../../kubernetes/indexed-job';
import { count } from '../../output/format';

interface Options {
  run: string;
  from: string;
  night: string;
  uid: string;
  account: string;
}

/** All that matters here of the plan of a run folder. */
const PLAN = z.object({ items: z.array(z.unknown()).min(1) });

function itemsOf({ path }: Context, run: string): number {
  const file = join(path(run), 'plan.json');
  try {
    return PLAN.parse(JSON.parse(readFileSync(file, 'utf8'))).items.length;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new CliError('input-missing', `${run} has no plan.json: run \`rescore backfill plan\` first.`);
    throw new CliError('input-missing', `${run}/plan.json cannot be used: it must list work items.`);
  }
}

async function run(context: Context, options: Options): Promise<void> {
  const { reporter, io } = context;
  const completions = itemsOf(context, options.run);
  const api = openClusterApi(io.env, options.account);
  const { from, night, uid: nightUid } = options;
  const { name, made } = await openJob(api, { from, night, nightUid, completions });
  reporter.note(`The Job ${name} ${made ? 'is made' : 'is there already'}: ${count(completions)} item(s).`);
  const progress = reporter.progress(name, completions, 'items');
  await followJob(api, name, io.clock, io.signal, done => progress.update(done));
  progress.finish();
  await reporter.text(`The Job ${name} replayed ${count(completions)} item(s).`);
  await reporter.result({ job: name, items: completions });
}

export function addReplayJob(backfill: Command, io: Io): void {
  const command = backfill
    .command('replay-job')
    .description('in Kubernetes: replay every item of a plan in a pod of its own, and wait for them')
    .requiredOption('--run <dir>', 'run folder, with a plan; all pods see it at the same path')
    .requiredOption('--night <name>', 'name of the Job that this pod belongs to')
    .requiredOption('--uid <uid>', 'uid of that Job: what is made is deleted with it')
    .option('--from <name>', 'CronJob, suspended, whose template the Job is made of', 'replay')
    .option('--account <dir>', 'folder of token, ca.crt and namespace of the service account', ACCOUNT_FOLDER)
    .action((options: Options, self: Command) => run(contextOf(io, self), options));
  withExamples(command, [
    [
      'rescore backfill replay-job --run /nights/night-29405490 --night night-29405490 --uid 7d2c…',
      'as k8s/backfill/night.yaml runs it',
    ],
  ]);
}
