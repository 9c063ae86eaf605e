/** `rescore backfill`: the steps of the nightly run. */
import type { Command } from 'commander';
import type { Io } from '../../io';
import { addConsistency } from './consistency';
import { addDrift } from './drift';
import { addReport } from './report';

export function backfillCommand(program: Command, io: Io): void {
  const backfill = program
    .command('backfill')
    .description('the nightly run: from the archive to models that are better than the current ones');
  addConsistency(backfill, io);
  addDrift(backfill, io);
  addReport(backfill, io);
}
