/** Every command, in the order of `rescore --help`. */
import type { Command } from 'commander';
import type { Io } from '../io';
import { doctorCommand } from './doctor';
import { eraseCommand } from './erase';
import { explainCommand } from './explain';
import { exportCommand } from './export';
import { mappingsCommand } from './mappings';
import { replayCommand } from './replay';
import { rescoreCommand } from './rescore';
import { settingsCommand } from './settings';
import { stateCommand } from './state';
import { topCommand } from './top';

export const COMMANDS: readonly ((program: Command, io: Io) => void)[] = [
  replayCommand,
  explainCommand,
  topCommand,
  rescoreCommand,
  eraseCommand,
  exportCommand,
  stateCommand,
  mappingsCommand,
  settingsCommand,
  doctorCommand,
];
