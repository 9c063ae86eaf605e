/**
 * The same world through one process and through Kafka, Redis, Avro and a registry: the same vectors and the same raw
 * model outputs, byte for byte. Everything is done by the command, as a user would.
 */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { systemClock } from '../../cli/clock';
import { DAY_MS } from '../../schemas';
import { packageRoot } from '../package-root';
import { describeWithServers, withServers } from '../testing/describe';
import { startRegistry } from '../testing/servers';
import { atRest } from './rest';

const PROGRAM = join(packageRoot(), 'dist', 'cli', 'main.js');
const EVENTS = 200_000;
/** About a hundred events each. */
const CUSTOMERS = '2100';
const DAYS = 50;
const midnight = (daysFromNow: number): string =>
  new Date(Math.floor(systemClock.now() / DAY_MS + daysFromNow) * DAY_MS).toISOString();
/** Not long ago: the processors' own midnights come to these customers too, and would forget who is long silent. */
const FROM = midnight(-DAYS - 5);
const AS_OF = midnight(1);

interface Digests {
  customers: number;
  vectors: string;
  outputs: string;
}

describeWithServers('the same scores', () => {
  const servers = withServers();
  const folder = mkdtempSync(join(tmpdir(), 'rescore-identity-'));
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  beforeAll(async () => void (registry = await startRegistry()), 180_000);
  afterAll(async () => {
    await registry.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('200,000 events through both engines', async () => {
    const id = `same-${randomUUID().slice(0, 8)}`;
    const env = {
      ...process.env,
      RESCORE_KAFKA_BROKERS: servers().brokers.join(','),
      RESCORE_KAFKA_APPLICATION: id,
      RESCORE_KAFKA_TOPIC_PREFIX: `${id}-`,
      RESCORE_KAFKA_PARTITIONS: '4',
      RESCORE_KAFKA_TIMESTAMPS: 'any',
      RESCORE_REDIS_ADDRESSES: servers().redis,
      RESCORE_REGISTRY_URL: registry.url,
      // Neither digest looks at them.
      RESCORE_PUBLISH_REASONS: 'off',
    };
    const rescore = async (...argv: string[]): Promise<string> => {
      const call = [PROGRAM, '--json', ...argv];
      const { stdout } = await promisify(execFile)(process.execPath, call, {
        cwd: folder,
        env,
        maxBuffer: 1 << 26,
      });
      return stdout;
    };
    const digest = async (...where: string[]): Promise<Digests> =>
      JSON.parse(await rescore('state', 'digest', '--as-of', AS_OF, ...where)) as Digests;

    const world = spawn(
      process.execPath,
      [PROGRAM, 'world', '--customers', CUSTOMERS, '--days', String(DAYS), '--seed', '5', '--from', FROM],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await pipeline(world.stdout, createWriteStream(join(folder, 'world.jsonl')));
    const replayed = JSON.parse(
      await rescore('replay', 'world.jsonl', '--format', 'segment', '--out', 'out'),
    ) as { inputs: { webEvents: number } };
    expect(replayed.inputs.webEvents).toBeGreaterThanOrEqual(EVENTS);

    await rescore('topics', 'create');
    await rescore('schemas', 'register');
    await rescore('produce', 'world.jsonl', '--format', 'segment', '--keep-timestamps');
    const processor = spawn(process.execPath, [PROGRAM, 'run', '--port', '0'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    try {
      const kafka = new Kafka({ brokers: [...servers().brokers], logLevel: logLevel.NOTHING });
      await atRest(kafka, { groupId: id, prefix: `${id}-`, ms: 180_000 });
    } finally {
      processor.kill('SIGTERM');
      if (processor.exitCode === null) await once(processor, 'exit');
    }
    expect(processor.exitCode).toBe(0);

    const embedded = await digest('--state', 'out/state');
    process.stdout.write(`identity: ${replayed.inputs.webEvents} events, ${JSON.stringify(embedded)}\n`);
    expect(await digest('--redis')).toEqual(embedded);
    expect(embedded.customers).toBeGreaterThan(2_000);
  }, 420_000);
});
