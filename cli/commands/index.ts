/** Every command, in the order of `rescore --help`. */
import type { Command } from 'commander';
import type { Io } from '../io';
import { archiveCommand } from './archive';
import { backfillCommand } from './backfill';
import { consumeCommand } from './consume';
import { deadLettersCommand } from './dead-letters';
import { demoCommand } from './demo';
import { doctorCommand } from './doctor';
import { eraseCommand } from './erase';
import { explainCommand } from './explain';
import { exportCommand } from './export';
import { lateEventsCommand } from './late-events';
import { mappingsCommand } from './mappings';
import { modelsCommand } from './models';
import { produceCommand } from './produce';
import { replayCommand } from './replay';
import { rescoreCommand } from './rescore';
import { runCommand } from './run';
import { schemasCommand } from './schemas';
import { settingsCommand } from './settings';
import { stateCommand } from './state';
import { topCommand } from './top';
import { topicsCommand } from './topics';
import { worldCommand } from './world';

type Register = (program: Command, io: Io) => void;

/** `run` runs another command line of the program: the demonstration shows real commands. */
export const commands = (run: (argv: readonly string[], io: Io) => Promise<number>): readonly Register[] => [
  demoCommand(run),
  replayCommand,
  runCommand,
  explainCommand,
  topCommand,
  rescoreCommand,
  eraseCommand,
  exportCommand,
  stateCommand,
  archiveCommand,
  backfillCommand(run),
  modelsCommand,
  topicsCommand,
  schemasCommand,
  produceCommand,
  consumeCommand,
  deadLettersCommand,
  lateEventsCommand,
  worldCommand,
  mappingsCommand,
  settingsCommand,
  doctorCommand,
];
