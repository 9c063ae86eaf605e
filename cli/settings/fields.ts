/**
 * Every setting of rescore, in the order that `rescore settings` prints them. A name `a.bC` is `a: { bC: … }` in
 * rescore.yaml and `RESCORE_A_B_C` in the environment; the environment wins.
 */
import { choice, integer, list, number, text, type Field } from './field';
import { GATE_FIELDS } from './gate-fields';
import { LIVE_MODEL_FIELDS } from './model-fields';

const ANY_TEXT = /^[^\p{Cc}]*$/u;
const PATH = /^[^\0]+$/;
const MILLION = 1_000_000;

export const FIELDS = {
  currency: text(/^[A-Z]{3}$/, 'an ISO 4217 code of three capital letters', {
    unit: 'ISO 4217 code',
    default: 'USD',
    about: 'Currency that the shop scores in; money without a currency is read as this one.',
  }),
  'input.standInIds': list(ANY_TEXT, 'a list of ids', {
    unit: 'ids',
    default: ['null', 'undefined', '0', 'guest', 'anonymous', ''],
    about: 'Ids that stand for nobody; a row whose user id is one of them is refused.',
  }),
  'session.graceMinutes': number(0, 1_440, {
    unit: 'minutes',
    default: 10,
    about: 'Waited after the 30-minute gap before a session is closed and published.',
  }),
  'publish.engagementDelta': number(0, 1, {
    unit: 'share',
    default: 0.005,
    about: 'A score is published when engagement moved by at least this since the last one.',
  }),
  'publish.churnDelta': number(0, 1, {
    unit: 'probability',
    default: 0.005,
    about: 'A score is published when churn moved by at least this since the last one.',
  }),
  'publish.ltvShare': number(0, 1, {
    unit: 'share',
    default: 0.01,
    about: 'A score is published when lifetime value moved by at least this share since the last one.',
  }),
  'publish.reasons': choice(['on', 'off'], {
    unit: 'switch',
    default: 'on',
    about: 'off: scores without the reasons behind them, at about half the cost of a score.',
  }),
  'publish.vectorShare': number(0, 1, {
    unit: 'share',
    default: 0.01,
    about:
      'Share of the scores that carry their whole vector, so that a difference can be named by its features.',
  }),
  'alerts.churnRaise': number(0, 1, {
    unit: 'probability',
    default: 0.7,
    about: 'churnRisk is raised at this probability of 30 days without activity.',
  }),
  'alerts.churnClear': number(0, 1, {
    unit: 'probability',
    default: 0.6,
    about: 'churnRisk is cleared below this probability; at most alerts.churnRaise.',
  }),
  'alerts.inactiveDays': integer(1, 30, {
    unit: 'days',
    default: 30,
    about: 'inactive is raised when the last own activity is more than this many days old.',
  }),
  'alerts.dropRaise': number(0, 1, {
    unit: 'share',
    default: 0.2,
    about: 'engagementDrop is raised this far below the highest of the last 8 day-end values.',
  }),
  'alerts.dropExpiryDays': number(1, 365, {
    unit: 'days',
    default: 7,
    about: 'engagementDrop is cleared after this long at the latest.',
  }),
  'alerts.vipClearShare': number(0, 1, {
    unit: 'share',
    default: 0.9,
    about: 'vipAtRisk is cleared when lifetime value falls below this share of the vip constant.',
  }),
  'models.directory': text(PATH, 'a path or s3://bucket/prefix', {
    unit: 'path or s3 address',
    default: 'package:models/baseline',
    about:
      'Registry of signed artifacts: a folder or s3://bucket/prefix; "package:" stands for where rescore is installed.',
  }),
  'models.set': text(/^[a-z][a-z0-9-]{0,39}$/, 'lower-case letters, digits and dashes', {
    unit: 'name',
    default: 'baseline',
    about:
      'Set that the registry holds; "baseline" are the models that come with rescore, and takes no key but theirs.',
  }),
  'models.trustedKeys': list(/^[A-Za-z0-9+/]{43}=$/, 'a list of raw Ed25519 public keys in base64', {
    unit: 'keys',
    default: [],
    about: 'Public keys whose signatures models.set is believed by; `rescore models keygen` makes one.',
  }),
  'models.signingKeyFile': text(/^[^\0]*$/, 'a path', {
    unit: 'path',
    default: '',
    about: 'PEM file of the private key that `rescore models sign` signs with; empty: none.',
  }),
  'models.s3Endpoint': text(/^(https?:\/\/\S+)?$/, 'an http or https address', {
    unit: 'address',
    default: '',
    about:
      'S3-compatible server of the registry; empty: Amazon. Credentials come from the AWS environment variables.',
  }),
  'models.s3Region': text(/^[a-z0-9-]+$/, 'a region', {
    unit: 'region',
    default: 'us-east-1',
    about: "Region of the registry's bucket.",
  }),
  ...LIVE_MODEL_FIELDS,
  ...GATE_FIELDS,
  'state.directory': text(PATH, 'a path', {
    unit: 'path',
    default: '.rescore/state',
    about: 'Where log, facts and outputs are kept when a command is not given --state.',
  }),
  'state.partitions': integer(1, 64, {
    unit: 'lanes',
    default: 1,
    about: 'Lanes of a new state; a state keeps the number that it was made with.',
  }),
  'state.durability': choice(['process', 'power'], {
    unit: 'kind',
    default: 'process',
    about: 'What an acknowledged event survives: the end of the process, or also a loss of power.',
  }),
  'state.logRetentionDays': number(0.01, 36_500, {
    unit: 'days',
    default: 7,
    about: 'Inputs and outputs older than this are removed from the embedded log once they are handled.',
  }),
  'kafka.brokers': list(/^\[?[^\s\]]+\]?:\d{1,5}$/, 'a list of host:port', {
    unit: 'addresses',
    default: ['127.0.0.1:9092'],
    about: 'Kafka servers that are asked first for the others; `rescore run` without --embedded uses them.',
  }),
  'kafka.application': text(/^[A-Za-z0-9._-]{1,80}$/, 'letters, digits, dots, hyphens or underscores', {
    unit: 'name',
    default: 'rescore',
    about:
      'Consumer group, start of every transactional id, and prefix of the keys in Redis; one per deployment.',
  }),
  'kafka.instance': text(/^[A-Za-z0-9._-]{0,80}$/, 'letters, digits, dots, hyphens or underscores', {
    unit: 'name',
    default: '',
    about:
      'Stable name of this process, so that a restart takes its partitions over at once; empty: the host name.',
  }),
  'kafka.topicPrefix': text(/^[A-Za-z0-9._-]{0,80}$/, 'letters, digits, dots, hyphens or underscores', {
    unit: 'text',
    default: '',
    about: 'Put before every topic name.',
  }),
  'kafka.tls': choice(['off', 'on'], {
    unit: 'switch',
    default: 'off',
    about: 'Encrypts connections to Kafka.',
  }),
  'kafka.tlsCaFile': text(/^[^\0]*$/, 'a path', {
    unit: 'path',
    default: '',
    about: "PEM file of the authority behind the brokers' certificates; empty: the system's.",
  }),
  'kafka.saslMechanism': choice(['none', 'plain', 'scram-sha-256', 'scram-sha-512'], {
    unit: 'kind',
    default: 'none',
    about: 'How this process signs in to Kafka.',
  }),
  'kafka.saslUsername': text(ANY_TEXT, 'a name', {
    unit: 'name',
    default: '',
    about: 'User that signs in to Kafka.',
  }),
  'kafka.saslPassword': text(ANY_TEXT, 'a password', {
    unit: 'password',
    default: '',
    about: 'Password of kafka.saslUsername.',
    secret: true,
  }),
  'kafka.partitions': integer(1, 1_024, {
    unit: 'partitions',
    default: 16,
    about:
      'Partitions of each topic that `rescore topics create` makes; the ceiling of parallelism, fixed for good.',
  }),
  'kafka.replication': integer(1, 9, {
    unit: 'copies',
    default: 1,
    about: 'Copies of each topic that `rescore topics create` makes; at least 3 in production.',
  }),
  'kafka.rawRetentionDays': number(0.01, 36_500, {
    unit: 'days',
    default: 14,
    about: 'How long input topics keep records; the archive must have read them by then.',
  }),
  'kafka.timestamps': choice(['log-append', 'any'], {
    unit: 'kind',
    default: 'log-append',
    about:
      "Inputs must carry the broker's own clock; any: only to replay history, as producers then move windows.",
  }),
  'kafka.groupPartitions': integer(1, 128, {
    unit: 'partitions',
    default: 4,
    about: 'Neighbouring partitions that move together and share a transaction.',
  }),
  'kafka.transactions': choice(['on', 'off'], {
    unit: 'switch',
    default: 'on',
    about: 'off: cheaper, but after a crash a message may be seen twice, with the same id and bytes.',
  }),
  'kafka.sessionTimeoutMs': integer(1_000, 300_000, {
    unit: 'ms',
    default: 6_000,
    about: 'A process that is silent for this long loses its partitions.',
  }),
  'kafka.compression': choice(['none', 'gzip', 'snappy', 'lz4'], {
    unit: 'kind',
    default: 'none',
    about: 'Compression of the messages that are published.',
  }),
  'registry.url': text(/^(https?:\/\/\S+)?$/, 'an http or https address', {
    unit: 'address',
    default: 'http://127.0.0.1:8081',
    about:
      'Confluent-compatible schema registry; empty: the built-in schema ids, which only rescore understands.',
  }),
  'registry.username': text(ANY_TEXT, 'a name', {
    unit: 'name',
    default: '',
    about: 'User that signs in to the registry; empty: nobody.',
  }),
  'registry.password': text(ANY_TEXT, 'a password', {
    unit: 'password',
    default: '',
    about: 'Password of registry.username.',
    secret: true,
  }),
  'redis.addresses': list(/^\[?[^\s\]]+\]?:\d{1,5}$/, 'a list of host:port', {
    unit: 'addresses',
    default: ['127.0.0.1:6379'],
    about: 'Redis that holds the state: one address, or several of Sentinel or Cluster.',
  }),
  'redis.kind': choice(['single', 'sentinel', 'cluster'], {
    unit: 'kind',
    default: 'single',
    about: 'What redis.addresses are.',
  }),
  'redis.masterName': text(ANY_TEXT, 'a name', {
    unit: 'name',
    default: 'mymaster',
    about: 'Name of the servers that Sentinel watches.',
  }),
  'redis.username': text(ANY_TEXT, 'a name', {
    unit: 'name',
    default: '',
    about: 'ACL user of Redis; empty: the default user.',
  }),
  'redis.password': text(ANY_TEXT, 'a password', {
    unit: 'password',
    default: '',
    about: 'Password of the Redis user.',
    secret: true,
  }),
  'redis.sentinelUsername': text(ANY_TEXT, 'a name', {
    unit: 'name',
    default: '',
    about: 'ACL user of the Sentinels, which have users of their own; empty: the default user.',
  }),
  'redis.sentinelPassword': text(ANY_TEXT, 'a password', {
    unit: 'password',
    default: '',
    about: 'Password of the Sentinels.',
    secret: true,
  }),
  'redis.tls': choice(['off', 'on'], {
    unit: 'switch',
    default: 'off',
    about: 'Encrypts connections to Redis, and to Sentinels.',
  }),
  'redis.tlsCaFile': text(/^[^\0]*$/, 'a path', {
    unit: 'path',
    default: '',
    about: "PEM file of the authority behind the certificates of Redis; empty: the system's.",
  }),
  'archive.location': text(/^[^\0]+$/, 'a path or s3://bucket/prefix', {
    unit: 'path or s3 address',
    default: '.rescore/archive',
    about: 'Where the archive of inputs and scores is written: a folder, or s3://bucket/prefix.',
  }),
  'archive.s3Endpoint': text(/^(https?:\/\/\S+)?$/, 'an http or https address', {
    unit: 'address',
    default: '',
    about: 'S3-compatible server; empty: Amazon. Credentials come from the AWS environment variables.',
  }),
  'archive.s3Region': text(/^[a-z0-9-]+$/, 'a region', {
    unit: 'region',
    default: 'us-east-1',
    about: 'Region of the bucket.',
  }),
  'archive.fileOffsets': integer(1, 10_000_000, {
    unit: 'offsets',
    default: 50_000,
    about:
      'A file of a new archive holds offsets between two multiples of this; an archive keeps its first value.',
  }),
  'backfill.metrics': text(
    /^(|s3:\/\/[^/\s]+\/\S*[^/\s]|(?!s3:)[^\0]*[^/\0])$/,
    'a path, or s3://bucket/prefix/metrics.prom',
    {
      unit: 'path or s3 address',
      default: '',
      about:
        'Metrics of the last night, where `rescore backfill keep` leaves them; processors show them beside their own. Empty: none.',
    },
  ),
  'lane.batchRecords': integer(1, 100_000, {
    unit: 'records',
    default: 2_000,
    about: 'A batch is committed at this many records at the latest.',
  }),
  'lane.batchCustomers': integer(1, 100_000, {
    unit: 'customers',
    default: 1_000,
    about: 'A batch is committed at this many customers at the latest.',
  }),
  'lane.maxMessageBytes': integer(16_384, 8 * MILLION, {
    unit: 'bytes',
    default: MILLION,
    about: 'A larger outgoing message becomes a dead letter; topics are made and checked to take this size.',
  }),
  'lane.lingerMs': integer(0, 60_000, {
    unit: 'ms',
    default: 10,
    about: 'How long a live lane waits for a batch to fill.',
  }),
  'scheduler.ticksPerSecond': integer(1, MILLION, {
    unit: 'ticks per second and lane',
    default: 5_000,
    about: 'Most ticks a second that a live scheduler appends, so that midnight does not starve events.',
  }),
  'drift.customers': integer(0, 100_000, {
    unit: 'customers',
    default: 2_000,
    about:
      'Most customers in the sample that a process measures drift on; 0 measures none, less than 1,500 may say nothing.',
  }),
  'drift.windowDays': number(1, 3_650, {
    unit: 'days',
    default: 31,
    about:
      'A customer that was not scored for so long leaves the sample; the quietest are scored once a month.',
  }),
  'drift.warmUpDays': number(0, 3_650, {
    unit: 'days',
    default: 7,
    about: 'A new process measures drift after this much time, when quiet customers have come by.',
  }),
  'replay.memoryMegabytes': number(0.01, 65_536, {
    unit: 'MB',
    default: 256,
    about: 'Rows of a replay are sorted on disk when they need more memory than this.',
  }),
  'collector.host': text(/^[A-Za-z0-9.:_-]+$/, 'an address or host name', {
    unit: 'address',
    default: '127.0.0.1',
    about: 'Address that the collector listens on; 0.0.0.0 opens it to the network.',
  }),
  'collector.port': integer(0, 65_535, {
    unit: 'port',
    default: 8_080,
    about: 'Port that the collector listens on; 0 takes any free one.',
  }),
  'collector.writeKeys': list(/^[\x21-\x7e]{8,128}$/, 'a list of keys of 8 to 128 printable characters', {
    unit: 'keys',
    default: [],
    about: 'Keys that trackers may write with; empty lets anybody write who can reach the address.',
    secret: true,
  }),
  'collector.readKey': text(/^([\x21-\x7e]{8,128})?$/, 'a key of 8 to 128 printable characters', {
    unit: 'key',
    default: '',
    about: 'Key that scores are read with; empty closes the reading routes.',
    secret: true,
  }),
  'collector.maxBodyKilobytes': integer(1, 65_536, {
    unit: 'KB',
    default: 512,
    about: 'Largest body of a request.',
  }),
  'collector.maxEventKilobytes': integer(1, 1_024, {
    unit: 'KB',
    default: 32,
    about: 'Largest single event.',
  }),
  'collector.maxBatchEvents': integer(1, 100_000, {
    unit: 'events',
    default: 2_500,
    about: 'Most events of one batch.',
  }),
  'collector.maxPending': integer(1, 10 * MILLION, {
    unit: 'events',
    default: 50_000,
    about: 'With more unread events than this the collector answers 503 and Retry-After.',
  }),
  'collector.corsOrigins': list(ANY_TEXT, 'a list of origins', {
    unit: 'origins',
    default: ['*'],
    about: 'Origins of pages whose trackers may write.',
  }),
  'webhook.url': text(/^(https?:\/\/\S+)?$/, 'an http or https address', {
    unit: 'address',
    default: '',
    about: 'Where each alert is posted once; empty posts nothing.',
  }),
  'webhook.secret': text(/^([\x21-\x7e]{16,256})?$/, 'a secret of 16 to 256 printable characters', {
    unit: 'secret',
    default: '',
    about: 'Signs webhook bodies (HMAC-SHA-256); needed when webhook.url is set.',
    secret: true,
  }),
} as const satisfies Record<string, Field<never> | Field<number> | Field<string> | Field<string[]>>;

export type FieldName = keyof typeof FIELDS;
export const FIELD_NAMES = Object.keys(FIELDS) as FieldName[];

/** Parsed once, at the root; parts get what they need of it, never all of it. */
export type Settings = { readonly [K in FieldName]: (typeof FIELDS)[K] extends Field<infer T> ? T : never };

/** `alerts.churnRaise` → `RESCORE_ALERTS_CHURN_RAISE`. */
export const environmentName = (name: string): string =>
  `RESCORE_${name
    .replace(/\./g, '_')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toUpperCase()}`;
