/** An `Io` that keeps what a command prints, for tests that run commands in process. */
import { Readable, Writable } from 'node:stream';
import type { Clock } from '../../processors/ports';
import { systemClock } from '../clock';
import type { Io } from '../io';
import { main } from '../main';
import { openFakeScorer } from './fake-scorer';

export interface Captured {
  code: number;
  stdout: string;
  stderr: string;
}

function collector(onText?: (text: string) => void): { stream: Writable; text: () => string } {
  const parts: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      parts.push(Buffer.from(chunk));
      onText?.(chunk.toString('utf8'));
      done();
    },
  });
  return { stream, text: () => Buffer.concat(parts).toString('utf8') };
}

interface Around {
  cwd: string;
  env?: Record<string, string>;
  /** What the command reads on its standard input. */
  stdin?: string | Readable;
  clock?: Clock;
  signal?: AbortSignal;
  openScorer?: Io['openScorer'];
  openModelSource?: Io['openModelSource'];
  /** Hears what a command prints while it still runs. */
  onStdout?: (text: string) => void;
}

/** The process around a command, and what it said so far. */
export function capturedIo(options: Around): { io: Io; said: () => Omit<Captured, 'code'> } {
  const [out, err] = [collector(options.onStdout), collector()];
  const { stdin = '' } = options;
  const io: Io = {
    stdin: typeof stdin === 'string' ? Readable.from([stdin]) : stdin,
    stdout: out.stream,
    stderr: err.stream,
    env: options.env ?? {},
    cwd: options.cwd,
    clock: options.clock ?? systemClock,
    cpuMicros: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    terminal: false,
    openScorer: options.openScorer ?? openFakeScorer,
    ...(options.openModelSource === undefined ? {} : { openModelSource: options.openModelSource }),
    signal: options.signal ?? new AbortController().signal,
  };
  return { io, said: () => ({ stdout: out.text(), stderr: err.text() }) };
}

/** Runs one command line in `cwd` and gives back what it said. */
export async function runCli(argv: readonly string[], options: Around): Promise<Captured> {
  const { io, said } = capturedIo(options);
  const code = await main(argv, io);
  return { code, ...said() };
}
