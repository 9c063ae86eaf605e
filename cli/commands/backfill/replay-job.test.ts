/** `rescore backfill replay-job`: one Job a night with an index for each item, whatever ends or is away in between. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../processors/ports';
import {
  hasOpenssl,
  openJobServer,
  type JobServer,
  type StoredJob,
} from '../../kubernetes/testing/job-server';
import { runCli } from '../../testing/captured-io';

const TEMPLATE = {
  spec: {
    parallelism: 8,
    completions: 1,
    completionMode: 'Indexed',
    backoffLimitPerIndex: 2,
    template: { metadata: { labels: { component: 'replay' } }, spec: { containers: [{ name: 'rescore' }] } },
  },
};
const ended = (type: 'Complete' | 'Failed', extra: object = {}) => ({
  ...extra,
  conditions: [{ type, status: 'True', reason: 'Because', message: 'of a reason' }],
});

const described = hasOpenssl() ? describe : describe.skip;
if (!hasOpenssl()) process.stderr.write('\n!!! SKIPPED: there is no openssl to make a certificate with.\n\n');

described('rescore backfill replay-job', () => {
  let server: JobServer;
  let folder: string;
  let slept: number;
  /** Time passes without waiting. */
  const clock: Clock = { now: () => slept, sleep: ms => Promise.resolve(void (slept += ms)) };

  beforeEach(async () => {
    server = await openJobServer(TEMPLATE);
    folder = mkdtempSync(join(tmpdir(), 'rescore-run-'));
    slept = 0;
    writeFileSync(join(folder, 'plan.json'), JSON.stringify({ id: 'one', items: [{}, {}, {}] }));
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const replayJob = (options: { signal?: AbortSignal; env?: Record<string, string> } = {}) =>
    runCli(
      // prettier-ignore
      ['--json', 'backfill', 'replay-job', '--run', folder, '--night', 'night-7', '--uid', 'u-7', '--account', server.account],
      { cwd: folder, env: server.env, clock, ...options },
    );
  const onlyJob = (): StoredJob => {
    expect(server.jobs.size).toBe(1);
    return [...server.jobs.values()][0];
  };
  /** A Job whose indexes end one at each look. */
  const working = (job: StoredJob): void => {
    const { succeeded = 0 } = (job.status ?? {}) as { succeeded?: number };
    const done = succeeded + 1;
    job.status = done >= 3 ? ended('Complete', { succeeded: 3 }) : { succeeded: done };
  };

  test('makes one Job of the template, an index for each item, and waits for all of them', async () => {
    server.onRead = working;
    const { code, stdout } = await replayJob();
    expect([code, JSON.parse(stdout)]).toEqual([0, { job: 'night-7-replay-1', items: 3 }]);
    expect(onlyJob()).toMatchObject({
      metadata: {
        name: 'night-7-replay-1',
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'night-7', uid: 'u-7' }],
      },
      spec: {
        completionMode: 'Indexed',
        completions: 3,
        parallelism: 3,
        backoffLimitPerIndex: 2,
        template: {
          metadata: { labels: { component: 'replay', night: 'night-7' } },
          spec: { containers: [{ name: 'rescore' }] },
        },
      },
    });
  });

  test('a second attempt follows the Job of the first, also when that is done', async () => {
    const stop = new AbortController();
    server.onRead = () => stop.abort();
    const first = await replayJob({ signal: stop.signal });
    expect([first.code, first.stderr]).toEqual([1, expect.stringMatching(/night-7-replay-1 goes on/)]);
    for (let again = 0; again < 2; again++) {
      server.onRead = working;
      expect((await replayJob()).code).toBe(0);
    }
    expect(server.asked.filter(line => line.startsWith('POST'))).toHaveLength(1);
  });

  test('a Job that failed is named with its indexes, and another attempt makes a new one', async () => {
    server.onRead = job => (job.status = ended('Failed', { failedIndexes: '1,4-5', succeeded: 1 }));
    const { code, stderr } = await replayJob();
    expect([code, stderr]).toEqual([1, expect.stringMatching(/of a reason.*failed indexes: 1,4-5/)]);
    server.onRead = job => void (job.metadata.name.endsWith('-2') && working(job));
    expect((await replayJob()).code).toBe(0);
    expect([...server.jobs.keys()]).toEqual(['night-7-replay-1', 'night-7-replay-2']);
  });

  test('a Job that is being deleted with the night before is not waited for', async () => {
    server.jobs.set('night-7-replay-1', {
      metadata: { name: 'night-7-replay-1', deletionTimestamp: '2026-11-21T00:00:00Z' },
      spec: {},
    });
    server.onRead = job => void (job.metadata.name.endsWith('-2') && working(job));
    expect((await replayJob()).code).toBe(0);
  });

  test('an API server that is away for minutes, and a token that changes, stop nothing', async () => {
    let looks = 0;
    server.onRead = job => {
      looks++;
      if (looks === 1) server.failing = 503;
      if (looks > 1) job.status = ended('Complete', { succeeded: 3 });
    };
    const back: Clock = {
      now: () => slept,
      sleep: ms => {
        slept += ms;
        if (slept === 300_000) {
          server.failing = null;
          server.rotateToken('second');
        }
        return Promise.resolve();
      },
    };
    const { code } = await runCli(
      // prettier-ignore
      ['backfill', 'replay-job', '--run', folder, '--night', 'night-7', '--uid', 'u-7', '--account', server.account],
      { cwd: folder, env: server.env, clock: back },
    );
    expect(code).toBe(0);
    expect(slept).toBeGreaterThanOrEqual(300_000);
  });

  test('rights that are missing are said at once, with what the API says', async () => {
    server.failing = 403;
    const { code, stderr } = await replayJob();
    expect([code, stderr]).toEqual([1, expect.stringMatching(/403 not now.*accounts\.yaml/)]);
    expect(server.asked).toHaveLength(1);
  });

  test('an API server that stays away is an error in the end', async () => {
    server.onRead = () => (server.failing = 500);
    const { code, stderr } = await replayJob();
    expect([code, stderr]).toEqual([1, expect.stringMatching(/cannot be followed: 500/)]);
    expect(slept).toBeLessThan(3_600_000);
  });

  test.each([
    ['no cluster', { env: {} }, /KUBERNETES_SERVICE_HOST/],
    ['no plan', { plan: null }, /plan\.json.*backfill plan/],
    ['a plan without items', { plan: '{"items":[]}' }, /must list work items/],
  ])('%s', async (_, { env, plan }: { env?: Record<string, string>; plan?: string | null }, said) => {
    if (plan === null) rmSync(join(folder, 'plan.json'));
    else if (plan !== undefined) writeFileSync(join(folder, 'plan.json'), plan);
    const { code, stderr } = await replayJob(env === undefined ? {} : { env });
    expect([code, stderr]).toEqual([1, expect.stringMatching(said)]);
    expect(server.asked).toEqual([]);
  });
});
