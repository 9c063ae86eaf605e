/**
 * One run against real servers: topics of its own, traffic of the simulation at a steady rate, processors, then a
 * verdict when everything is at rest.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Kafka, Partitioners, logLevel } from 'kafkajs';
import type { Producer } from 'kafkajs';
import { Redis } from 'ioredis';
import { systemClock } from '../../cli/clock';
import type { PreparedCodec } from '../../cli/cluster/codec';
import type { RestedWorld } from '../../processors/sim/invariants';
import { Random } from '../../processors/sim/random';
import { SimulatedScorer } from '../../processors/sim/scorer';
import { makeTraffic } from '../../processors/sim/traffic';
import type { Sent } from '../../processors/sim/traffic';
import { MINUTE_MS } from '../../schemas';
import { createAvroCodec } from '../avro/codec';
import { partitionOf } from '../partitioner';
import { makeTopics } from '../testing/topics';
import { Processor } from './fleet';
import type { Environment } from './fleet';
import { disagreements } from './positions';
import { atRest, isRead } from './rest';
import { judge } from './verdict';
import type { Verdict, VerdictOptions } from './verdict';

export interface ScenarioOptions {
  brokers: readonly string[];
  /** `host:port`. */
  redis: string;
  seed: number;
  partitions?: number;
  /** Inputs per second. */
  rate?: number;
  losesWrites?: boolean;
  /** Customers ask to be forgotten; then none does anything to another, whose facts would tell of the order (ADR 0004). */
  erasures?: boolean;
  /** Consumers drop what they have seen, as docs/consumers.md asks of them where transactions are off. */
  dropsRepeats?: boolean;
  settings?: Environment;
  /** Of the traffic and of the verdict; built-in schema ids when left out. */
  codec?: PreparedCodec;
  /** Of the topics; one of its own when left out. */
  prefix?: string;
  /** Of the verdict; the formulas of the simulation when left out. */
  scorer?: RestedWorld['scorer'];
}

const SLICE_MS = 50;
const REST_MS = 90_000;
/** Until a run ends with everything read. */
const MOST_REVIVALS = 5;
const SEND_ATTEMPTS = 30;
const RESEND_MS = 1_000;

export class Scenario {
  readonly id = `it-${randomUUID().slice(0, 8)}`;
  readonly prefix: string;
  private readonly codec: PreparedCodec;
  readonly partitions: number;
  readonly random: Random;
  readonly kafka: Kafka;
  readonly processors: Processor[] = [];
  private readonly redis: Redis;
  private producer: Producer;
  private traffic: Promise<void> = Promise.resolve();
  private stopped = false;
  private waves = 0;
  sent = 0;

  private constructor(private readonly options: ScenarioOptions) {
    this.prefix = options.prefix ?? `${this.id}-`;
    this.codec = options.codec ?? createAvroCodec();
    this.partitions = options.partitions ?? 4;
    this.random = new Random(options.seed);
    this.kafka = new Kafka({
      brokers: [...options.brokers],
      clientId: this.id,
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 100, retries: 20, maxRetryTime: 1_000 },
    });
    const [host, port] = options.redis.split(':');
    this.redis = new Redis({ host: host!, port: Number(port), lazyConnect: true, maxRetriesPerRequest: 50 });
    this.redis.on('error', () => undefined);
    this.producer = this.newProducer();
  }

  private newProducer(): Producer {
    return this.kafka.producer({
      idempotent: true,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { initialRetryTime: 100, retries: 1_000, maxRetryTime: 1_000 },
    });
  }

  static async open(options: ScenarioOptions): Promise<Scenario> {
    const scenario = new Scenario(options);
    await makeTopics(scenario.kafka, scenario.prefix, scenario.partitions);
    await scenario.producer.connect();
    await scenario.redis.connect();
    return scenario;
  }

  /** Faults while traffic flows, then a verdict when everything is at rest: nothing may be violated. */
  static async underTraffic(
    options: ScenarioOptions,
    work: (scenario: Scenario) => Promise<void>,
  ): Promise<{ verdict: Verdict; sent: number }> {
    const scenario = await Scenario.open(options);
    try {
      await work(scenario);
      await scenario.endTraffic();
      await scenario.rest();
      const verdict = await scenario.verdict();
      assert.deepEqual(verdict.violations, []);
      return { verdict, sent: scenario.sent };
    } finally {
      await scenario.close();
    }
  }

  /** Starts processors of these names one after another; resolves when all belong to the group. */
  async joined(...names: readonly string[]): Promise<Processor[]> {
    const processors = names.map(name => this.processor(name));
    for (const processor of processors) processor.start();
    for (const processor of processors)
      assert.ok(await processor.hears('joined'), `${processor.name} did not join its group.`);
    return processors;
  }

  /** Settings of a command or processor that is to work here. */
  get environment(): Environment {
    return {
      RESCORE_KAFKA_BROKERS: this.options.brokers.join(','),
      RESCORE_KAFKA_APPLICATION: this.id,
      RESCORE_KAFKA_TOPIC_PREFIX: this.prefix,
      RESCORE_KAFKA_SESSION_TIMEOUT_MS: '2000',
      RESCORE_KAFKA_PARTITIONS: String(this.partitions),
      RESCORE_KAFKA_GROUP_PARTITIONS: '2',
      RESCORE_REDIS_ADDRESSES: this.options.redis,
      RESCORE_REGISTRY_URL: '',
      RESCORE_COLLECTOR_PORT: '0',
      // What a batch costs is not looked at here: several processors, a broker and the tests share two cores.
      RESCORE_LANE_LINGER_MS: '40',
      ...this.options.settings,
    };
  }

  processor(name: string, more: Environment = {}, command?: readonly string[]): Processor {
    const environment = { ...this.environment, ...more };
    const processor = new Processor(`${this.id}-${name}`, environment, command);
    this.processors.push(processor);
    return processor;
  }

  /** Sends traffic until `endTraffic`; more than once, if need be. */
  beginTraffic(): void {
    this.stopped = false;
    this.traffic = this.send();
  }

  /** Waits until traffic has sent so many inputs more, however long this machine takes. @throws what stopped traffic */
  async sends(count: number): Promise<void> {
    for (const until = this.sent + count; this.sent < until;)
      await Promise.race([pause(SLICE_MS), this.traffic]);
  }

  /** So many inputs and no more. */
  async someTraffic(count: number): Promise<void> {
    this.beginTraffic();
    await this.sends(count);
    await this.endTraffic();
  }

  async endTraffic(): Promise<void> {
    this.stopped = true;
    await this.traffic;
  }

  private async send(): Promise<void> {
    const { rate = 800 } = this.options;
    const began = systemClock.now();
    const before = this.sent;
    let waiting: Sent[] = [];
    while (!this.stopped) {
      const due = ((systemClock.now() - began) / 1_000) * rate - (this.sent - before);
      if (waiting.length < due) waiting.push(...this.wave());
      const now = waiting.slice(0, Math.max(0, Math.min(due, 1_000)));
      waiting = waiting.slice(now.length);
      if (now.length > 0) await this.sendPatiently(now);
      else await new Promise(resolve => setTimeout(resolve, SLICE_MS));
    }
  }

  /** While servers fail a producer may give up: another one sends again, and repeats are what ids are for. */
  private async sendPatiently(records: readonly Sent[]): Promise<void> {
    for (let attempt = 1; ; attempt++)
      try {
        return await this.sendAll(records);
      } catch (error) {
        if (attempt >= SEND_ATTEMPTS) throw error;
        await this.producer.disconnect().catch(() => undefined);
        await pause(RESEND_MS);
        this.producer = this.newProducer();
        await this.producer.connect().catch(() => undefined);
      }
  }

  /** Some minutes of a small world, anew each time: ids never meet those of another wave. */
  private wave(): Sent[] {
    const wave = this.waves++;
    const { erasures = false } = this.options;
    const endAt = systemClock.now();
    const customers = Array.from({ length: 40 }, (_, at) => `w${wave % 5}c${at}`);
    const sent = makeTraffic({
      random: this.random,
      codec: this.codec,
      customers: [...customers, 'anon:a', 'anon:b'],
      startAt: endAt - 90 * MINUTE_MS,
      endAt,
      occasions: 60,
      flood: wave % 7 === 3 ? 200 : 0,
      erasures,
      interactions: !erasures,
      messagePrefix: `${wave}-`,
    });
    return sent;
  }

  async sendAll(records: readonly Sent[]): Promise<void> {
    const byTopic = new Map<string, { key: string; value: Buffer; partition: number }[]>();
    for (const { topic, key, value } of records) {
      const name = this.prefix + topic;
      const partition = partitionOf(key, this.partitions);
      const message = { key, value: Buffer.from(value), partition };
      byTopic.set(name, [...(byTopic.get(name) ?? []), message]);
    }
    await this.producer.sendBatch({
      topicMessages: [...byTopic].map(([topic, messages]) => ({ topic, messages })),
    });
    this.sent += records.length;
  }

  /**
   * Waits until the group has read every input and nothing is due, in these partitions where they are named.
   * @throws when that takes too long, with what the processors say
   */
  async rest(only?: readonly number[]): Promise<void> {
    const { redis, partitions } = this;
    const due = { redis, partitions };
    try {
      await atRest(this.kafka, { groupId: this.id, prefix: this.prefix, ms: REST_MS, partitions: only, due });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.complaints()}`, { cause: error });
    }
  }

  private isRead(): Promise<boolean> {
    return isRead(this.kafka, { groupId: this.id, prefix: this.prefix });
  }

  /** How many positions of state and group are not the same. */
  async disagreements(): Promise<number> {
    const { kafka, redis, id: application, prefix: topicPrefix, partitions } = this;
    return disagreements({ kafka, redis, application, topicPrefix, partitions });
  }

  private async endAll(): Promise<void> {
    for (const processor of this.processors) await processor.end();
  }

  /** Ends what runs, in order, and judges what is left behind. */
  async verdict(): Promise<Verdict> {
    await this.atEnd();
    return judge(this.judging());
  }

  /** All ended, with everything read. */
  async atEnd(): Promise<void> {
    await this.endAll();
    // A scheduler may have appended a tick in its last moment, which nobody has read.
    for (let tries = 0; tries < MOST_REVIVALS && !(await this.isRead()); tries++) {
      this.processors[0]!.start();
      await this.rest();
      await this.endAll();
    }
  }

  /** What a verdict is given. */
  judging(): VerdictOptions {
    return {
      kafka: this.kafka,
      redis: this.redis,
      application: this.id,
      topicPrefix: this.prefix,
      partitions: this.partitions,
      losesWrites: this.options.losesWrites ?? false,
      dropsRepeats: this.options.dropsRepeats ?? false,
      now: systemClock.now(),
      codec: this.codec,
      scorer: this.options.scorer ?? new SimulatedScorer(),
    };
  }

  /** What the processors complained of, for a failed test. */
  complaints(): string {
    return this.processors
      .map(({ name, complaints }) => `--- ${name}\n${complaints.slice(-4_000)}`)
      .join('\n');
  }

  async close(): Promise<void> {
    this.stopped = true;
    await this.traffic.catch(() => undefined);
    for (const processor of this.processors) {
      processor.signal('SIGCONT');
      await processor.kill();
    }
    await this.producer.disconnect();
    this.redis.disconnect();
  }
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));
