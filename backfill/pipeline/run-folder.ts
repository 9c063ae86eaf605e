/** The folder that all steps of one nightly job share. docs/backfill.md lists what is in it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LAYOUT_FINGERPRINT } from '../../models/layout';
import { BackfillError } from './errors';
import { readJson } from './files';
import type { Plan } from './plan';

export class RunFolder {
  constructor(readonly directory: string) {}

  at(...names: string[]): string {
    return join(this.directory, ...names);
  }

  has(name: string): boolean {
    return existsSync(this.at(name));
  }

  /** @throws BackfillError run-missing, run-changed */
  plan(): Plan {
    const plan = this.require<Plan>('plan.json', 'plan');
    if (plan.layout !== LAYOUT_FINGERPRINT)
      throw new BackfillError(
        'run-changed',
        `${this.directory} was planned by a release with other features.`,
      );
    return plan;
  }

  /** What a step left. @throws BackfillError step-missing */
  require<T>(name: string, step: string): T {
    const found = readJson<T>(this.at(name));
    if (found !== null) return found;
    if (step === 'plan') throw new BackfillError('run-missing', `${this.directory} holds no plan.json.`);
    throw new BackfillError('step-missing', `${this.directory} holds no ${name}: \`${step}\` comes first.`);
  }
}
