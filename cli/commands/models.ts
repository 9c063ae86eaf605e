import type { Command } from 'commander';
import type { Io } from '../io';
import { keygenCommand, signCommand } from './models-keys';
import { diffCommand, listCommand, showCommand } from './models-look';
import { promoteCommand, rollbackCommand } from './models-move';
import { shadowCommand, uploadCommand } from './models-shadow';
import { verifyCommand } from './models-verify';

export function modelsCommand(program: Command, io: Io): void {
  const models = program
    .command('models')
    .description('keys, signatures and versions of models: what scores, what may score, what did');
  for (const register of [
    listCommand,
    showCommand,
    diffCommand,
    verifyCommand,
    uploadCommand,
    shadowCommand,
    promoteCommand,
    rollbackCommand,
    keygenCommand,
    signCommand,
  ])
    register(models, io);
}
