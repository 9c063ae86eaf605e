/** What the topics must be, as a table, and what is said of a cluster that has them otherwise. */
import { INPUT_TOPICS, OUTPUT_TOPICS } from '../../schemas';
import { findingsOf, inputPartitions } from './topic-check';
import type { FoundTopic, FoundTopics } from './topic-reading';
import { satisfies, wantedTopics, type AnyTopic, type TopicSettings } from './topics';

const DAY_MS = 86_400_000;
const settings: TopicSettings = {
  prefix: 'shop.',
  partitions: 16,
  replication: 3,
  rawRetentionMs: 14 * DAY_MS,
  timestamps: 'log-append',
  maxMessageBytes: 1_000_000,
};

const asTable = (given: TopicSettings): Record<string, string> =>
  Object.fromEntries(
    wantedTopics(given).map(({ name, partitions, replication, configs }) => [
      name,
      [`${partitions}x${replication}`, ...configs.map(({ name: key, value }) => `${key}=${value}`)].join(' '),
    ]),
  );

const everywhere = 'max.message.bytes=1114112 min.insync.replicas=2 unclean.leader.election.enable=false';
const kept = 'cleanup.policy=delete retention.ms=1209600000 retention.bytes=-1';
const input = `16x3 ${kept} message.timestamp.type=LogAppendTime ${everywhere}`;
const compactedBy = (first: string): string =>
  `16x3 ${first}cleanup.policy=compact delete.retention.ms=604800000 max.compaction.lag.ms=604800000 ${everywhere}`;

test('the wanted configuration', () =>
  expect(asTable(settings)).toEqual({
    'shop.web-events': input,
    'shop.orders': input,
    'shop.customers': input,
    'shop.customer-commands': input,
    'shop.customer-mail': input,
    'shop.engagement-scores': compactedBy('min.compaction.lag.ms=172800000 '),
    'shop.engagement-alerts': compactedBy(''),
    'shop.sessions': `16x3 ${kept} ${everywhere}`,
    'shop.late-events': `16x3 ${kept} ${everywhere}`,
    'shop.dead-letters': `16x3 ${kept} ${everywhere}`,
  }));

test('history keeps its instants, and is kept for ever', () => {
  const table = asTable({ ...settings, timestamps: 'any' });
  for (const topic of INPUT_TOPICS)
    expect(table[`shop.${topic}`]).toMatch(/retention\.ms=-1 .*message\.timestamp\.type=CreateTime/);
  expect(table['shop.sessions']).toContain('retention.ms=1209600000');
});

test('topics that lanes send to take what lane.maxMessageBytes allows; the others stay as they are', () => {
  const table = asTable({ ...settings, maxMessageBytes: 2_000_000 });
  for (const topic of [...OUTPUT_TOPICS, 'customer-mail'])
    expect(table[`shop.${topic}`]).toContain('max.message.bytes=2016384 ');
  for (const topic of ['web-events', 'orders', 'customers', 'customer-commands'])
    expect(table[`shop.${topic}`]).toContain('max.message.bytes=1114112 ');
});

test.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 2],
  [5, 3],
])('of %i copies, %i are in sync before a send is acknowledged', (replication, inSync) =>
  expect(asTable({ ...settings, replication })['shop.orders']).toContain(`min.insync.replicas=${inSync} `),
);

const entry = { name: 'n', level: 'error', why: '' } as const;
test.each([
  ['same', 'delete', 'delete', true],
  ['same', 'delete', 'compact', false],
  ['atLeast', '100', '100', true],
  ['atLeast', '100', '99', false],
  ['atLeast', '100', '-1', true],
  ['atLeast', '-1', '100', false],
  ['atLeast', '-1', '-1', true],
  ['atMost', '100', '101', false],
  ['atMost', '100', '9223372036854775807', false],
  ['atMost', '100', '100', true],
] as const)('%s %s, found %s: %s', (rule, value, actual, does) =>
  expect(satisfies({ ...entry, rule, value }, actual)).toBe(does),
);

type Change = Partial<Omit<FoundTopic, 'configs'>> & { configs?: Record<string, string> };

/** A cluster that has everything as wanted, but for `changes`; null: the topic is not there. */
function clusterWith(changes: Partial<Record<AnyTopic, Change | null>>, given = settings): FoundTopics {
  const topics = wantedTopics(given).flatMap(({ topic, partitions, replication, configs }) => {
    const change = changes[topic];
    if (change === null) return [];
    const values = {
      ...Object.fromEntries(configs.map(({ name, value }) => [name, value])),
      ...change?.configs,
    };
    const found: FoundTopic = {
      partitions,
      replication,
      ...change,
      configs: new Map(Object.entries(values).map(([name, value]) => [name, { value, own: true }])),
    };
    return [[topic, found] as const];
  });
  return new Map(topics);
}

const said = (changes: Parameters<typeof clusterWith>[0], given = settings): string[] =>
  findingsOf(given, clusterWith(changes)).map(
    ({ level, topic, message }) => `${level} ${topic}: ${message.split(/[.:] /)[0]}`,
  );

test('nothing is said of a cluster that is as wanted', () => expect(said({})).toEqual([]));

test('every missing topic is an error, and says how it is made', () => {
  const findings = findingsOf(settings, new Map());
  expect(findings).toHaveLength(10);
  for (const { level, message } of findings)
    expect([level, message]).toEqual(['error', expect.stringContaining('rescore topics create')]);
});

const config = (name: string, value: string): Change => ({ configs: { [name]: value } });
test.each<[string, Parameters<typeof clusterWith>[0], string[]]>([
  [
    'inputs that are not co-partitioned',
    { orders: { partitions: 8 } },
    [
      'error shop.web-events: the inputs have different numbers of partitions (shop.web-events 16, shop.orders 8, shop.customers 16, shop.customer-commands 16, shop.customer-mail 16)',
    ],
  ],
  ['an output with another number of partitions', { sessions: { partitions: 3 } }, []],
  [
    "a producer's clock",
    { 'web-events': config('message.timestamp.type', 'CreateTime') },
    ['error shop.web-events: message.timestamp.type is CreateTime, not LogAppendTime'],
  ],
  [
    'scores that are not compacted',
    { 'engagement-scores': config('cleanup.policy', 'delete') },
    ['error shop.engagement-scores: cleanup.policy is delete, not compact'],
  ],
  [
    'scores that are compacted and dropped',
    { 'engagement-scores': config('cleanup.policy', 'compact,delete') },
    ['warning shop.engagement-scores: cleanup.policy is compact,delete, not compact'],
  ],
  [
    'inputs that are compacted',
    { orders: config('cleanup.policy', 'compact') },
    ['error shop.orders: cleanup.policy is compact, not delete'],
  ],
  [
    'a short retention',
    { 'dead-letters': config('retention.ms', '1000') },
    ['warning shop.dead-letters: retention.ms is 1000, not 1209600000'],
  ],
  ['a longer retention', { 'dead-letters': config('retention.ms', '-1') }, []],
  [
    'too few copies, which is not made worse by wanting them in sync',
    { orders: { replication: 1, configs: { 'min.insync.replicas': '1' } } },
    ['warning shop.orders: a partition has 1 of the 3 copies that kafka.replication wants'],
  ],
  [
    'more in sync than there are',
    { orders: { replication: 1 } },
    [
      'error shop.orders: min.insync.replicas is 2, above the 1 copies of a partition',
      'warning shop.orders: a partition has 1 of the 3 copies that kafka.replication wants',
    ],
  ],
  [
    'what a lane has committed could not be sent',
    { sessions: config('max.message.bytes', '1000000') },
    ['error shop.sessions: max.message.bytes is 1000000, not 1114112'],
  ],
  [
    "a broker's default limit",
    { sessions: config('max.message.bytes', '1048588'), orders: config('max.message.bytes', '1000') },
    [
      'warning shop.orders: max.message.bytes is 1000, not 1114112',
      'warning shop.sessions: max.message.bytes is 1048588, not 1114112',
    ],
  ],
])('%s', (_what, changes, expected) => expect(said(changes)).toEqual(expected));

test('history: producers’ clocks are a warning, and so is the other number of partitions', () => {
  const history: TopicSettings = { ...settings, timestamps: 'any', partitions: 4 };
  const created = Object.fromEntries(
    INPUT_TOPICS.map(topic => [
      topic,
      { configs: { 'message.timestamp.type': 'CreateTime', 'retention.ms': '-1' } },
    ]),
  );
  const levels = findingsOf(history, clusterWith(created)).map(({ level }) => level);
  expect(levels).toEqual(Array(6).fill('warning'));
});

test('the partitions that inputs agree on', () => {
  expect(inputPartitions(new Map())).toBeNull();
  expect(inputPartitions(clusterWith({ orders: null }))).toBe(16);
  expect(inputPartitions(clusterWith({ orders: { partitions: 2 } }))).toBeNaN();
});
