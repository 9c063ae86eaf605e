/**
 * A full disk, a real one: a small file system in memory. New events are refused, and with more room everything that
 * was acknowledged is there. Needs the right to mount; says so loudly where it has none.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from './clock';
import { runCli } from './testing/captured-io';

const directory = mkdtempSync(join(tmpdir(), 'rescore-full-'));
const mount = (...args: string[]): boolean => spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
const isMounted = mount('-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', directory);
if (!isMounted)
  process.stderr.write(
    '\n!!! SKIPPED: the disk-full test needs the right to mount a tmpfs; it did not run.\n\n',
  );
afterAll(() => {
  if (isMounted) spawnSync('umount', ['-l', directory]);
  rmSync(directory, { recursive: true, force: true });
});

/** A process of its own, as a user runs it: what a full disk may do to one must not be done to the tests. */
function serve(): Promise<{ url: string; end: () => Promise<string> }> {
  const program = resolve(__dirname, '../dist/cli/testing/spawned-main.js');
  const argv = [program, 'run', '--embedded', '--state', join(directory, 'state'), '--port', '0'];
  const child = spawn(process.execPath, argv, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const ended = new Promise<void>(done => child.on('close', () => done()));
  return new Promise((listening, failed) => {
    const end = async (): Promise<string> => {
      child.kill('SIGTERM');
      await ended;
      return said;
    };
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        const url = /listens on (http:\S+?),/.exec(said)?.[1];
        if (url !== undefined) listening({ url, end });
      });
    child.on('close', () => failed(new Error(`The service ended before it listened: ${said}`)));
  });
}

/** Sends batches until one is refused, or until a lane has met the full disk first and ended the service. */
async function fill(url: string): Promise<{ acknowledged: number; refusal: string }> {
  for (let sent = 0; ; sent += 50) {
    const batch = Array.from({ length: 50 }, (_, at) => ({
      type: 'page',
      userId: 'kim',
      messageId: `m${sent + at}`,
      properties: { note: 'x'.repeat(200) },
    }));
    const answer = await fetch(`${url}/v1/batch`, { method: 'POST', body: JSON.stringify({ batch }) }).then(
      async response => ({ status: response.status, text: await response.text() }),
      () => ({ status: 0, text: '' }),
    );
    if (answer.status !== 200) return { acknowledged: sent, refusal: answer.text };
  }
}

(isMounted ? test : test.skip)(
  'a full disk refuses new events, and loses none that was acknowledged',
  async () => {
    const full = await serve();
    const { acknowledged, refusal } = await fill(full.url);
    const said = await full.end();
    expect(acknowledged).toBeGreaterThan(1_000);
    // The writer that met it first says so: the collector in its answer, or a lane as the end of the service.
    expect(`${refusal} ${said}`).toMatch(
      /The disk that holds .* is full. Nothing that was acknowledged is lost/,
    );

    expect(mount('-o', 'remount,size=64m', directory)).toBe(true);
    const roomy = await serve();
    const counted = async (): Promise<number> => {
      const { stdout } = await runCli(['--json', 'explain', 'kim', '--state', 'state'], { cwd: directory });
      return stdout === ''
        ? 0
        : (JSON.parse(stdout) as { features: Record<string, number> }).features['events_last_7_days']!;
    };
    while ((await counted()) < acknowledged) await systemClock.sleep(20);
    await roomy.end();
    expect(await counted()).toBe(acknowledged);
  },
);
