/**
 * Real servers for tests, in containers: Kafka, Redis, a schema registry, S3. Ports are fixed for the life of a server,
 * so that it can be killed and come back. Nothing outlives the tests: containers are removed when they stop.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { GenericContainer, Wait } from 'testcontainers';
import type { StartedTestContainer } from 'testcontainers';
import { systemClock } from '../../cli/clock';
import { CONTROLLER_PORT, DATA_FOLDER, SERVE_COMMAND, formatCommand, onNetwork, startBroker } from './broker';
import type { MeasuredOption } from './broker';
import { IMAGES } from './images';

// The sweeper is one more image to pull; every server here is stopped by whoever started it.
process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';

const START_MS = 120_000;

let engine: boolean | null = null;

/** Does a Docker engine answer? */
export function hasEngine(): boolean {
  // Whoever started the shared broker has found one.
  engine ??=
    'TEST_KAFKA_BROKERS' in process.env ||
    spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 10_000 }).status === 0;
  return engine;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise(done => server.close(done));
  return port;
}

async function docker(...argv: string[]): Promise<void> {
  const { status, stderr } = spawnSync('docker', argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`docker ${argv.join(' ')}: ${stderr}`);
  return Promise.resolve();
}

const pidOf = (id: string): number =>
  Number(spawnSync('docker', ['inspect', '-f', '{{.State.Pid}}', id], { encoding: 'utf8' }).stdout);

export interface KafkaServer {
  brokers: string[];
  /** Process id on this machine, for measurements. */
  pid(): number;
  /** Of the log segments of a topic. */
  bytesOf(topic: string): number;
  /** Stopped in order and started again, with the same data. */
  restart(): Promise<void>;
  /** Everything halts (SIGSTOP) until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

/** Inside a container's own network only what the engine publishes is reached, and it publishes to this machine. */
const listeningOn = (isMeasured: boolean): string => (isMeasured ? '127.0.0.1' : '0.0.0.0');

/** Single node, KRaft. */
export async function startKafka({ isMeasured = false }: MeasuredOption = {}): Promise<KafkaServer> {
  const port = await freePort();
  // A network of its own has every port free, and this machine's has not.
  const controller = isMeasured ? await freePort() : CONTROLLER_PORT;
  const container = await startBroker({
    ports: [port],
    // No plain text on other hosts: a broker of one test.
    properties: {
      listeners: `PLAINTEXT://${listeningOn(isMeasured)}:${port},CONTROLLER://localhost:${controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
      'controller.quorum.voters': `1@localhost:${controller}`,
    },
    isMeasured,
    script: `${formatCommand()} && ${SERVE_COMMAND}`,
  });
  const id = container.getId();
  await brokerAnswers(port);
  return {
    brokers: [`127.0.0.1:${port}`],
    pid: () => pidOf(id),
    bytesOf: topic =>
      Number(dockerSays('exec', id, 'sh', '-c', `cat ${DATA_FOLDER}/${topic}-[0-9]*/*.log | wc -c`)),
    restart: async () => {
      await docker('restart', '-t', '20', id);
      await brokerAnswers(port);
    },
    pause: () => docker('pause', id),
    resume: () => docker('unpause', id),
    stop: () => stopped(container),
  };
}

/**
 * A port that listens is not yet a broker that works: the engine's proxy accepts, too. A client anew each time, as one
 * client waits ever longer between its attempts.
 */
export async function brokerAnswers(port: number): Promise<void> {
  for (const until = systemClock.now() + START_MS; ;)
    try {
      return await describesItself(port);
    } catch (error) {
      if (systemClock.now() > until) throw error;
      await systemClock.sleep(100);
    }
}

async function describesItself(port: number): Promise<void> {
  const admin = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    requestTimeout: 2_000,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    await admin.describeCluster();
  } finally {
    await admin.disconnect();
  }
}

/** Changes the first of these bytes in the log of a partition, on the disk of the broker at this address. */
export function damageLog(address: string, topic: string, partition: number, bytes: Buffer): void {
  const id = containerAt(address);
  const file = `${DATA_FOLDER}/${topic}-${partition}/00000000000000000000.log`;
  const at = dockerSays('exec', id, 'cat', file).indexOf(bytes);
  if (at < 0) throw new Error(`${file} does not hold what is to be damaged.`);
  dockerSays('exec', id, 'sh', '-c', `printf '\\377' | dd of=${file} bs=1 seek=${at} conv=notrunc 2>&1`);
}

/**
 * What Kafka's own consumer reads of all topics that begin so: topic as the header `ce_source` ends, partition, offset and
 * `ce_id`, in its order. Another reader than ours, in the container of the broker at this address.
 */
export async function consoleConsumer(
  address: string,
  topicPrefix: string,
  isolation: 'read_committed' | 'read_uncommitted',
): Promise<{ topic: string; partition: number; offset: number; id: string }[]> {
  const id = containerAt(address);
  const show = ['partition', 'offset', 'headers'].flatMap(what => ['--property', `print.${what}=true`]);
  const { stdout } = await promisify(execFile)(
    'docker',
    [
      ...['exec', '-e', 'KAFKA_HEAP_OPTS=-Xmx256m', id, '/opt/kafka/bin/kafka-console-consumer.sh'],
      ...['--bootstrap-server', address, '--include', `${topicPrefix}.*`, '--isolation-level', isolation],
      ...['--from-beginning', '--timeout-ms', '20000', ...show, '--property', 'print.value=false'],
    ],
    { maxBuffer: 256 * 1024 * 1024 },
  );
  return [...stdout.matchAll(/^Partition:(\d+)\tOffset:(\d+)\t(.*)$/gm)].map(
    ([, partition, offset, headers]) => ({
      topic: /ce_source:[^,]*\/([^,/]+)/.exec(headers!)?.[1] ?? '',
      partition: Number(partition),
      offset: Number(offset),
      id: /ce_id:([^,]*)/.exec(headers!)?.[1] ?? '',
    }),
  );
}

function containerAt(address: string): string {
  const port = address.split(':')[1]!;
  const [id] = dockerSays('ps', '-q', '--filter', `publish=${port}`).toString().trim().split('\n');
  return id!;
}

function dockerSays(...argv: string[]): Buffer {
  const { status, stdout, stderr } = spawnSync('docker', argv, { maxBuffer: 256 * 1024 * 1024 });
  if (status !== 0) throw new Error(`docker ${argv.join(' ')}: ${stderr.toString()}`);
  return stdout;
}

export interface RedisServer {
  /** `host:port` */
  address: string;
  pid(): number;
  /** Everything halts (SIGSTOP) until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Kill -9; `start` brings it back with what its append-only file holds, less its last `cutBytes`. */
  kill(): Promise<void>;
  start(cutBytes?: number): Promise<void>;
  stop(): Promise<void>;
}

const APPEND_ONLY = '/data/appendonlydir/appendonly.aof.1.incr.aof';

/** Append-only; written through on every command, or when it is measured every second, as in production. */
export async function startRedis({ isMeasured = false }: MeasuredOption = {}): Promise<RedisServer> {
  const port = await freePort();
  const fsync = isMeasured ? 'everysec' : 'always';
  const serve = `redis-server --port ${port} --bind ${listeningOn(isMeasured)} --save '' --appendonly yes --appendfsync ${fsync} --aof-load-truncated yes --protected-mode no --maxmemory-policy noeviction`;
  // What is to be cut is written down by the test before the next start.
  const cut = `if [ -s /data/cut ]; then truncate -s -$(cat /data/cut) ${APPEND_ONLY}; rm /data/cut; fi`;
  const container = await onNetwork(new GenericContainer(IMAGES.redis), [port], isMeasured)
    .withEntrypoint(['sh'])
    .withCommand(['-c', `cd /data; ${cut}; exec ${serve}`])
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .withStartupTimeout(START_MS)
    .start();
  const id = container.getId();
  return {
    address: `127.0.0.1:${port}`,
    pid: () => pidOf(id),
    pause: () => docker('pause', id),
    resume: () => docker('unpause', id),
    kill: () => docker('kill', '-s', 'KILL', id),
    start: async (cutBytes = 0) => {
      if (cutBytes > 0) await writeInto(container, '/data/cut', String(cutBytes));
      await docker('start', id);
    },
    stop: () => stopped(container),
  };
}

/** Also into a container that does not run. */
async function writeInto(container: StartedTestContainer, target: string, content: string): Promise<void> {
  await container.copyContentToContainer([{ content, target }]);
}

/** Where the schema registry listens. It keeps nothing across a restart. */
export async function startRegistry(): Promise<{ url: string; stop(): Promise<void> }> {
  const container = await new GenericContainer(IMAGES.registry)
    .withExposedPorts(8081)
    .withWaitStrategy(Wait.forHttp('/subjects', 8081))
    .withStartupTimeout(START_MS)
    .start();
  return { url: `http://127.0.0.1:${container.getMappedPort(8081)}`, stop: () => stopped(container) };
}

export async function startS3(): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const container = await new GenericContainer(IMAGES.s3)
    .withExposedPorts(5000)
    .withWaitStrategy(Wait.forHttp('/moto-api/', 5000))
    .withStartupTimeout(START_MS)
    .start();
  return { endpoint: `http://127.0.0.1:${container.getMappedPort(5000)}`, stop: () => stopped(container) };
}

async function stopped(container: StartedTestContainer): Promise<void> {
  await container.stop({ remove: true, removeVolumes: true, timeout: 1 });
}
