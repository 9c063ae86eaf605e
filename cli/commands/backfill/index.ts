/** `rescore backfill`: from the archive to models that score, step by step. A step is added by one line in `STEPS`. */
import type { Command } from 'commander';
import type { Io } from '../../io';
import { addConsistency } from './consistency';
import { addDataset } from './dataset';
import { addDrift } from './drift';
import { addGate } from './gate';
import { addKeep } from './keep';
import { addPlan } from './plan';
import { addPublish } from './publish';
import { addReplay } from './replay';
import { addReplayJob } from './replay-job';
import { addReport } from './report';
import { addRun } from './run';
import type { RunProgram, Step } from './run';
import { addTrain } from './train';

interface BackfillStep extends Step {
  add: (backfill: Command, io: Io) => void;
}

/** In the order of `run`. */
const STEPS: readonly BackfillStep[] = [
  {
    name: 'plan',
    add: addPlan,
    files: true,
    options: ['map', 'format', 'archive', 'from', 'until', 'history', 'after'],
  },
  { name: 'replay', add: addReplay, options: [], takes: 'plan' },
  { name: 'dataset', add: addDataset, options: [], takes: 'replay' },
  {
    name: 'train',
    add: addTrain,
    options: ['seed', 'models', 'python'],
    takes: 'dataset',
  },
  { name: 'gate', add: addGate, options: [], takes: 'train' },
  { name: 'publish', add: addPublish, options: [], takes: 'gate' },
  {
    name: 'consistency',
    add: addConsistency,
    options: ['sample', 'metrics', 'cloudwatch'],
    always: ['--if-scored'],
    check: true,
    takes: 'plan',
  },
  {
    name: 'drift',
    add: addDrift,
    options: ['metrics', 'cloudwatch'],
    check: true,
    takes: 'dataset',
  },
  { name: 'report', add: addReport, options: [] },
];

export const backfillCommand =
  (program: RunProgram) =>
  (rescore: Command, io: Io): void => {
    const backfill = rescore
      .command('backfill')
      .description('history → dataset → models → gate → registry: the nightly job, step by step or at once');
    for (const { add } of STEPS) add(backfill, io);
    addRun(backfill, io, STEPS, program);
    addReplayJob(backfill, io);
    addKeep(backfill, io);
  };
