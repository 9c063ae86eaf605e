/**
 * A full disk, a real one: a small file system in memory. New events are refused, and with more room everything that
 * was acknowledged is there. Needs the right to mount; says so loudly where it has none.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded } from '../streams/embedded';
import { systemClock } from './clock';
import { OpenState } from './embedded';
import { startService } from './live/service';
import { parseSettings } from './settings';
import { openFakeScorer } from './testing/fake-scorer';
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

async function serve(): Promise<{ url: string; end: () => Promise<Error | null> }> {
  const state = new OpenState(openEmbedded({ directory: join(directory, 'state'), partitions: 1 }));
  const { values } = parseSettings({ RESCORE_COLLECTOR_PORT: '0' }, null);
  const stop = new AbortController();
  const scorer = await openFakeScorer();
  const options = { settings: values, state, scorer, clock: systemClock, stop, onNote: () => undefined };
  const service = await startService(options);
  // A lane that meets the full disk ends the service before anybody asks it to.
  const failed = service.done.then(
    () => null,
    (error: unknown) => error as Error,
  );
  const end = async (): Promise<Error | null> => {
    stop.abort();
    const error = await failed;
    await state.close();
    return error;
  };
  return { url: service.url, end };
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
    const error = await full.end();
    expect(acknowledged).toBeGreaterThan(1_000);
    // The writer that met it first says so: the collector in its answer, or a lane as the end of the service.
    expect(`${refusal} ${error?.message}`).toMatch(
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
    expect(await roomy.end()).toBeNull();
    expect(await counted()).toBe(acknowledged);
  },
);
