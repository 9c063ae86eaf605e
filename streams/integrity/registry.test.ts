/** The whole product with the schema ids of a registry, and with producers of another version. */
import { createHash, randomUUID } from 'node:crypto';
import { systemClock } from '../../cli/clock';
import { runCli } from '../../cli/testing/captured-io';
import { RegistryClient } from '../avro/registry-client';
import { openRegistryCodec, subjectOf } from '../avro/registry-codec';
import { INPUT_SAMPLES } from '../avro/samples';
import { loadSchema } from '../avro/schemas';
import { parseWriterSchema } from '../avro/writer-schema';
import { RegistryProxy } from '../avro/testing/registry-proxy';
import { describeWithServers, withServers } from '../testing/describe';
import { startRegistry } from '../testing/servers';
import { readAll } from './read-all';
import { Scenario } from './scenario';

describeWithServers('a registry', () => {
  const servers = withServers();
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  beforeAll(async () => void (registry = await startRegistry()), 180_000);
  afterAll(() => registry.stop());

  /** Of a producer whose schema has one field more. */
  async function foreignOrder(client: RegistryClient, prefix: string): Promise<Uint8Array> {
    const orders = loadSchema('orders') as { fields: object[] };
    const text = JSON.stringify({ ...orders, fields: [...orders.fields, { name: 'shelf', type: 'string' }] });
    const id = await client.register(subjectOf(prefix, 'orders'), text);
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(id, 1);
    const branch = (value: unknown): unknown =>
      value === null ? null : typeof value === 'string' ? { string: value } : { long: value };
    const { messageId: _id, kind, order, ...optional } = INPUT_SAMPLES.orders;
    const { orderId, ...amounts } = order;
    const wrapped = (fields: object): object =>
      Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, branch(value)]));
    const body = parseWriterSchema(text).toBuffer({
      ...wrapped({ ...optional, userId: 'foreigner' }),
      messageId: 'from another producer',
      kind: kind === 'refunded' ? 'completed' : kind,
      order: { orderId, ...wrapped({ ...amounts, currency: null }) },
      shelf: 'b7',
    });
    return Buffer.concat([frame, body]);
  }

  test('traffic with its ids is scored, its outage makes no dead letter, and nothing is violated', async () => {
    const prefix = `reg-${randomUUID().slice(0, 8)}-`;
    const proxy = await RegistryProxy.open(registry.url);
    const env = { RESCORE_REGISTRY_URL: registry.url, RESCORE_KAFKA_TOPIC_PREFIX: prefix };
    const registered = await runCli(['schemas', 'register'], { cwd: '/', env });
    expect([registered.code, registered.stderr]).toEqual([0, '']);
    const client = new RegistryClient({ url: registry.url, username: '', password: '' }, systemClock);
    const codec = await openRegistryCodec({
      url: registry.url,
      username: '',
      password: '',
      topicPrefix: prefix,
      clock: systemClock,
    });
    const scenario = await Scenario.open({
      ...servers(),
      seed: 71,
      prefix,
      codec,
      settings: { RESCORE_REGISTRY_URL: proxy.url },
    });
    try {
      const processor = scenario.processor('a');
      processor.start();
      expect(await processor.hears('joined')).toBe(true);
      scenario.beginTraffic();
      await scenario.sends(1_600);
      // Now it is silent: what is known goes on, the new producer's order waits.
      proxy.silent = true;
      const order = await foreignOrder(client, prefix);
      await scenario.sendAll([{ at: 0, topic: 'orders', key: 'foreigner', value: order }]);
      await scenario.sends(1_600);
      proxy.silent = false;
      await scenario.endTraffic();
      await scenario.rest();
      const verdict = await scenario.verdict();
      expect({
        violations: verdict.violations,
        said: verdict.violations.length > 0 ? scenario.complaints() : '',
      }).toEqual({ violations: [], said: '' });
      expect(verdict.scores).toBeGreaterThan(100);
      const letters = await readAll(scenario.kafka, [`${prefix}dead-letters`]);
      await codec.prepare(
        'dead-letters',
        letters.flatMap(({ value }) => value ?? []),
      );
      const refused = letters.map(({ value }) => codec.decodeOutput('dead-letters', value!));
      expect(refused.map(({ code }) => code)).not.toContain('avro-schema-unusable');
      expect(refused.map(({ digest }) => digest)).not.toContain(
        createHash('sha256').update(order).digest('hex'),
      );
      const scores = await readAll(scenario.kafka, [`${prefix}engagement-scores`]);
      expect(scores.some(({ key }) => key === 'foreigner')).toBe(true);
    } finally {
      await scenario.close();
      await proxy.close();
    }
  }, 180_000);
});
