/** Progress of long work: a bar on a terminal, a line every ten percent elsewhere. Always on stderr. */
import { Presets, SingleBar } from 'cli-progress';
import type { Io } from '../io';
import { count, duration } from './format';

export interface Progress {
  update(done: number): void;
  finish(): void;
}

export const SILENT: Progress = { update: () => undefined, finish: () => undefined };

function bar(io: Io, label: string, total: number, unit: string): Progress {
  const drawn = new SingleBar(
    {
      format: `${label} {bar} {percentage}% | {value}/{total} ${unit} | {eta_formatted} left`,
      stream: io.stderr as NodeJS.WriteStream,
      hideCursor: true,
      etaBuffer: 50,
      barsize: 24,
    },
    Presets.shades_classic,
  );
  drawn.start(total, 0);
  return { update: done => drawn.update(done), finish: () => drawn.stop() };
}

function lines(io: Io, label: string, total: number, unit: string): Progress {
  const startedAt = io.clock.now();
  let said = 0;
  return {
    update: done => {
      const tenths = total > 0 ? Math.floor((10 * done) / total) : 10;
      if (tenths <= said) return;
      said = tenths;
      const spent = duration(io.clock.now() - startedAt);
      io.stderr.write(`${label}: ${tenths * 10} %, ${count(done)} of ${count(total)} ${unit}, ${spent}\n`);
    },
    finish: () => undefined,
  };
}

/** `total` in `unit`s; 0 shows an empty bar. */
export const progressOf = (io: Io, label: string, total: number, unit: string): Progress =>
  io.terminal && 'isTTY' in io.stderr && io.stderr.isTTY
    ? bar(io, label, total, unit)
    : lines(io, label, total, unit);
