/** The bed of a measurement: one Kafka and one Redis on this box, topics, a processor as the product runs it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { Redis } from 'ioredis';
import { INPUT_TOPICS, OUTPUT_TOPICS } from '../../schemas';
import { keysOf } from '../../processors/state/redis/keys';
import { connectKafka } from '../../streams/kafka';
import { freePort, startKafka, startRedis } from '../../streams/testing/servers';
import type { KafkaServer, RedisServer } from '../../streams/testing/servers';
import { makeTopics } from '../../streams/testing/topics';
import { packageRoot } from '../../streams/package-root';
import { cpuSecondsOf } from './cpu';

export interface BedOptions {
  name: string;
  partitions: number;
  /** Partitions that share a transaction. */
  unitSize: number;
  settings?: Readonly<Record<string, string>>;
}

/** Customers that are written at once. */
const PAGE = 1_000;

let bedsMade = 0;

export class Bed {
  readonly kafka: Kafka;
  readonly prefix: string;
  readonly redis: Redis;
  readonly processors: BenchProcessor[] = [];

  private constructor(
    readonly options: BedOptions,
    readonly servers: Servers,
  ) {
    this.prefix = `${options.name}-`;
    this.kafka = connectKafka({
      brokers: servers.kafka.brokers,
      clientId: 'bench',
      tls: false,
      tlsCaFile: '',
      sasl: null,
      topicPrefix: this.prefix,
    });
    const [host, port] = servers.redis.address.split(':');
    this.redis = new Redis({ host: host!, port: Number(port), maxRetriesPerRequest: 50 });
    this.redis.on('error', () => undefined);
  }

  static async make(servers: Servers, options: BedOptions): Promise<Bed> {
    // A measurement that is made twice has topics and groups of its own each time.
    const bed = new Bed({ ...options, name: `${options.name}-${bedsMade++}` }, servers);
    await bed.redis.flushall();
    await makeTopics(bed.kafka, bed.prefix, options.partitions);
    return bed;
  }

  async processor(name: string): Promise<BenchProcessor> {
    const port = await freePort();
    const processor = new BenchProcessor(port, {
      RESCORE_KAFKA_BROKERS: this.servers.kafka.brokers.join(','),
      RESCORE_KAFKA_APPLICATION: this.options.name,
      RESCORE_KAFKA_TOPIC_PREFIX: this.prefix,
      RESCORE_KAFKA_PARTITIONS: String(this.options.partitions),
      RESCORE_KAFKA_GROUP_PARTITIONS: String(this.options.unitSize),
      RESCORE_KAFKA_INSTANCE: `${this.options.name}-${name}`,
      RESCORE_REDIS_ADDRESSES: this.servers.redis.address,
      RESCORE_REGISTRY_URL: '',
      ...this.options.settings,
    });
    this.processors.push(processor);
    return processor;
  }

  /** Gives everybody in Redis the same stored value; no processor may be at work. */
  async giveToEveryone(value: Uint8Array): Promise<void> {
    const bytes = Buffer.from(value);
    for (let partition = 0; partition < this.options.partitions; partition++) {
      const { facts } = keysOf(this.options.name, partition);
      const ids = await this.redis.hkeys(facts);
      for (let at = 0; at < ids.length; at += PAGE)
        await this.redis.hset(facts, ...ids.slice(at, at + PAGE).flatMap(id => [id, bytes]));
    }
  }

  /** Of the log segments, as batches lie there: with their headers, keys, compression and the marks of transactions. */
  bytesOnDisk(): { inputs: number; outputs: number } {
    const bytesOf = (topics: readonly string[]): number =>
      topics.reduce((sum, topic) => sum + this.servers.kafka.bytesOf(`${this.prefix}${topic}`), 0);
    return { inputs: bytesOf(INPUT_TOPICS), outputs: bytesOf(OUTPUT_TOPICS) };
  }

  async close(): Promise<void> {
    for (const processor of this.processors) await processor.kill();
    this.redis.disconnect();
  }
}

export interface Servers {
  kafka: KafkaServer;
  redis: RedisServer;
}

export async function openServers(): Promise<Servers & { close(): Promise<void> }> {
  const [kafka, redis] = await Promise.all([
    startKafka({ isMeasured: true }),
    startRedis({ isMeasured: true }),
  ]);
  return {
    kafka,
    redis,
    close: async () => {
      await Promise.all([kafka.stop(), redis.stop()]);
    },
  };
}

/** What the image gives to Node: the bench runs what a cluster runs. */
function flagsOfImage(): string[] {
  const text = readFileSync(join(packageRoot(), 'Dockerfile'), 'utf8');
  const [, entry] = /^ENTRYPOINT (\[.*\])$/m.exec(text)!;
  return (JSON.parse(entry!) as string[]).slice(1, -1);
}

/** `rescore run`, as a process of its own. */
export class BenchProcessor {
  private child: ChildProcess | null = null;

  constructor(
    private readonly port: number,
    private readonly environment: Record<string, string>,
  ) {}

  /** Resolves when all its partitions are at work. */
  async start(): Promise<void> {
    const program = join(packageRoot(), 'dist', 'cli', 'main.js');
    const env = { ...process.env, ...this.environment };
    const profile = process.env['BENCH_PROFILE'];
    const watched = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile];
    const flags = [...flagsOfImage(), ...watched];
    this.child = spawn(process.execPath, [...flags, program, 'run', '--port', String(this.port)], {
      env,
      stdio: ['ignore', 'ignore', process.env['BENCH_VERBOSE'] === undefined ? 'ignore' : 'inherit'],
    });
    while (!(await this.isReady())) await delay(50);
  }

  private async isReady(): Promise<boolean> {
    if (this.child?.exitCode !== null)
      throw new Error('The processor ended. BENCH_VERBOSE=1 shows what it said.');
    try {
      return (await fetch(`http://127.0.0.1:${this.port}/readyz`)).ok;
    } catch {
      return false;
    }
  }

  /** Values of a metric by their labels. */
  async metric(name: string): Promise<Map<string, number>> {
    const text = await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
    const values = new Map<string, number>();
    for (const line of text.split('\n')) {
      const match = new RegExp(`^${name}(?:\\{[a-z]+="([^"]*)"\\})? (\\S+)$`).exec(line);
      if (match !== null) values.set(match[1] ?? '', Number(match[2]));
    }
    return values;
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.child!.pid!);
  }

  /** In order: a profile is written then. */
  async end(): Promise<void> {
    if (this.child === null || this.child.exitCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGTERM');
    await closed;
  }

  async kill(): Promise<void> {
    if (this.child === null || this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
  }
}
