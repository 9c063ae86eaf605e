/** What every broker of a test is: one node, KRaft, small topics of its own, quick groups. */
import { GenericContainer, Wait } from 'testcontainers';
import type { StartedTestContainer } from 'testcontainers';
import { IMAGES } from './images';

/** A broker that lives for minutes: what the optimising compiler would cost is never earned back. */
const SHORT_LIVED = '-XX:+UseSerialGC -XX:TieredStopAtLevel=1';
const START_MS = 120_000;
const BEGUN = 'container begun';
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg';
export const DATA_FOLDER = '/tmp/kafka-data';
export const PROPERTIES_FILE = '/tmp/server.properties';

export const CONTROLLER_PORT = 29093;

const COMMON: Readonly<Record<string, string | number | boolean>> = {
  'process.roles': 'broker,controller',
  'node.id': 1,
  'controller.quorum.voters': `1@localhost:${CONTROLLER_PORT}`,
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'log.dirs': DATA_FOLDER,
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 4,
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1_000,
  'auto.create.topics.enable': false,
};

/** The shell's line that makes the broker's folder, where there is none yet. */
export const formatCommand = (...more: readonly string[]): string =>
  [
    '/opt/kafka/bin/kafka-storage.sh format --ignore-formatted',
    `-t ${CLUSTER_ID} -c ${PROPERTIES_FILE}`,
    ...more,
  ].join(' ');

export const SERVE_COMMAND = `exec /opt/kafka/bin/kafka-server-start.sh ${PROPERTIES_FILE}`;

export interface MeasuredOption {
  /**
   * Fast for long instead of soon at work, and on the network of this machine: the engine's proxy of a published port
   * copies every byte of both directions, which costs a seventh of a core at 2,000 events a second and two more waits a
   * request.
   */
  isMeasured?: boolean;
}

export interface BrokerOptions {
  /** The same in the container and on this machine. */
  ports: readonly number[];
  properties: Readonly<Record<string, string>>;
  /** See MeasuredOption. */
  isMeasured: boolean;
  /** Of the shell that makes folder and broker; it runs again at every start. */
  script: string;
}

/** Resolves when the container runs, not yet a broker: asking for its ports would start a shell in it ten times a second. */
export function startBroker({
  ports,
  properties,
  isMeasured,
  script,
}: BrokerOptions): Promise<StartedTestContainer> {
  const lines = Object.entries({ ...COMMON, ...properties }).map(([name, value]) => `${name}=${value}\n`);
  return onNetwork(new GenericContainer(IMAGES.kafka), ports, isMeasured)
    .withEnvironment({
      KAFKA_HEAP_OPTS: '-Xmx512m',
      ...(isMeasured ? {} : { KAFKA_JVM_PERFORMANCE_OPTS: SHORT_LIVED }),
    })
    .withCopyContentToContainer([{ content: lines.join(''), target: PROPERTIES_FILE }])
    .withEntrypoint(['sh'])
    .withCommand(['-c', `echo ${BEGUN}; ${script}`])
    .withWaitStrategy(Wait.forLogMessage(BEGUN))
    .withStartupTimeout(START_MS)
    .start();
}

/** With the same ports inside and outside. */
export const onNetwork = (
  container: GenericContainer,
  ports: readonly number[],
  isMeasured: boolean,
): GenericContainer =>
  isMeasured
    ? container.withNetworkMode('host')
    : container.withExposedPorts(...ports.map(port => ({ container: port, host: port })));
