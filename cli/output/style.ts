/** Colours only where a person reads them; everywhere else the same words without. */
import { createColors } from 'picocolors';

export type Colours = ReturnType<typeof createColors>;

export const coloursFor = (terminal: boolean, env: Readonly<Record<string, string | undefined>>): Colours =>
  createColors(terminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb');
