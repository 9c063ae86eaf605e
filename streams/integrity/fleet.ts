/** Processors of a test: started, killed, stopped and continued as processes. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { systemClock } from '../../cli/clock';
import { packageRoot } from '../package-root';

const PROGRAM = path.join(packageRoot(), 'dist', 'streams', 'integrity', 'processor.js');

const REACH_MS = 60_000;

export type Environment = Readonly<Record<string, string>>;

export class Processor {
  private child: ChildProcess | null = null;
  /** To stdout, in its present life. */
  private said = '';
  private waiters: (() => void)[] = [];
  /** What it wrote to stderr, over all its lives. */
  complaints = '';

  constructor(
    readonly name: string,
    private readonly environment: Environment,
    /** What Node runs: the processor of the tests when left out. */
    private readonly command: readonly string[] = [PROGRAM],
  ) {}

  start(more: Environment = {}): void {
    this.said = '';
    const env = { ...process.env, ...this.environment, RESCORE_KAFKA_INSTANCE: this.name, ...more };
    const child = spawn(process.execPath, this.command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    child.stdout.on('data', (chunk: Buffer) => this.hear(chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => void (this.complaints += chunk.toString()));
    child.on('close', () => this.hear(''));
  }

  private hear(text: string): void {
    this.said += text;
    const waiting = this.waiters;
    this.waiters = [];
    for (const resolve of waiting) resolve();
  }

  get pid(): number {
    return this.child!.pid!;
  }

  get isRunning(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits until it has said a line; false when it ended, or `ms` passed, before that. */
  async hears(line: string, ms = 30_000): Promise<boolean> {
    const until = systemClock.now() + ms;
    while (!this.said.includes(line)) {
      const left = until - systemClock.now();
      if (!this.isRunning || left <= 0) return false;
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left);
        this.waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return true;
  }

  /** What its probes answer to `/readyz` or `/metrics`; it must have said where they are. */
  async ask(path: string): Promise<string> {
    const { url } = /Watch: (?<url>\S+)\/metrics/.exec(this.said)!.groups as { url: string };
    return (await fetch(url + path)).text();
  }

  /** Waits until it stands at `STOP_AT` or the like. @throws with what it complained of when it never does */
  async reaches(fault: string): Promise<void> {
    if (await this.hears(`fault ${fault.replace(':', ' ')}`, REACH_MS)) return;
    const state = this.isRunning ? 'still runs' : 'has ended';
    throw new Error(`${this.name} never came to ${fault}, and ${state}.\n${this.complaints.slice(-4_000)}`);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.child!.kill(signal);
  }

  /** Kill -9, and wait for the end. */
  async kill(): Promise<void> {
    if (!this.isRunning) return;
    const closed = once(this.child!, 'close');
    this.child!.kill('SIGKILL');
    await closed;
  }

  /** SIGTERM. Returns the exit code, null when it did not end in time and was killed. */
  async end(ms = 12_000): Promise<number | null> {
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    return this.ended(ms);
  }

  /** Returns the exit code, null when it did not end in time and was killed. */
  async ended(ms = 12_000): Promise<number | null> {
    if (!this.isRunning) return this.child?.exitCode ?? null;
    const child = this.child!;
    const closed = once(child, 'close');
    const timer = setTimeout(() => child.kill('SIGKILL'), ms);
    await closed;
    clearTimeout(timer);
    return child.exitCode;
  }
}
