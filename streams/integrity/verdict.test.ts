/** The judge itself: a run in which nothing fails is in order, and with one thing amiss in what was read it is not. */
import { DAY_MS, HOUR_MS } from '../../schemas';
import type { OutputTopic } from '../../schemas';
import { createAvroCodec } from '../avro/codec';
import { describeWithServers, withServers } from '../testing/describe';
import { Scenario } from './scenario';
import { judgeEvidence, readBack } from './verdict';
import type { Evidence, VerdictOptions } from './verdict';

const codec = createAvroCodec();

describeWithServers('the verdict', () => {
  const servers = withServers();
  let scenario: Scenario;
  let evidence: Evidence;
  let judging: VerdictOptions;

  beforeAll(async () => {
    scenario = await Scenario.open({ ...servers(), seed: 14 });
    await scenario.joined('a');
    await scenario.someTraffic(2_500);
    await scenario.rest();
    await scenario.atEnd();
    judging = scenario.judging();
    evidence = await readBack(judging);
  }, 120_000);

  afterAll(() => scenario.close());

  /** The verdict when the messages are these instead. */
  function verdictOver(change: (messages: Evidence['broker']['published']) => void): string[] {
    const { published } = evidence.broker;
    const before = [...published];
    try {
      change(published);
      return judgeEvidence(evidence, judging).violations;
    } finally {
      published.splice(0, published.length, ...before);
    }
  }

  const indexOf = (topic: OutputTopic): number =>
    evidence.broker.published.findIndex(message => message.topic === topic);

  /** Told once, and soon after their end: what came days late opens sessions that outages may swallow. */
  const indexesOfSessions = (): number[] => {
    const told = evidence.broker.published.map(({ topic, key, value }) =>
      topic === 'sessions' && value !== null ? { key, ...codec.decodeOutput('sessions', value) } : null,
    );
    const isToldOnce = (one: (typeof told)[number]): boolean =>
      one !== null &&
      one.endAt > judging.now - 2 * HOUR_MS &&
      told.filter(other => other?.key === one.key && Math.abs(other.startAt - one.startAt) < DAY_MS)
        .length === 1;
    return told.flatMap((one, at) => (isToldOnce(one) ? [at] : []));
  };

  test('nothing is amiss', () => {
    expect(verdictOver(() => undefined)).toEqual([]);
  });

  test.each([
    ['dead-letters', /^I5: .* was rejected without a dead letter$/],
    ['late-events', /^I5: .* came late, and nothing says so$/],
  ] as const)('one of %s that is lost is missed', (topic, said) => {
    expect(indexOf(topic)).toBeGreaterThanOrEqual(0);
    const violations = verdictOver(messages => void messages.splice(indexOf(topic), 1));
    expect(violations).toEqual([expect.stringMatching(said)]);
  });

  test('a session that is lost is missed, but of customers whose next tick was due when all ended', () => {
    const indexes = indexesOfSessions().slice(0, 12);
    const each = indexes.map(at => verdictOver(messages => void messages.splice(at, 1)));
    const missed = each.filter(({ length }) => length > 0);
    expect(missed.length).toBeGreaterThan(indexes.length / 2);
    for (const violations of missed)
      expect(violations).toEqual([expect.stringMatching(/^I5: the session of .* is held as 0 others$/)]);
  });

  test('a dead letter that is there twice with other words is one too many', () => {
    const violations = verdictOver(messages => {
      const letter = messages[indexOf('dead-letters')]!;
      const body = { ...codec.decodeOutput('dead-letters', letter.value!), reason: 'in other words' };
      messages.push({ ...letter, id: 'another', value: codec.encode('dead-letters', body) });
    });
    expect(violations).toEqual([expect.stringMatching(/^I5: .* has two dead letters$/)]);
  });

  test.each(['dead-letters', 'late-events'] as const)(
    'one of %s of an input that deserves none is seen',
    topic => {
      const violations = verdictOver(messages => {
        const message = messages[indexOf(topic)]!;
        const body = codec.decodeOutput(topic, message.value!);
        const value = codec.encode(topic, { ...body, source: { ...body.source, offset: 999_999 } } as never);
        messages.push({ ...message, id: 'another', value });
      });
      expect(violations).toEqual([expect.stringMatching(/^I5: .*\/999999 is a (dead letter|late event)/)]);
    },
  );

  test('a mail that is lost is missed, and so is what it told', () => {
    const { broker } = evidence;
    const partition = [0, 1, 2, 3].find(one => broker.endOf('customer-mail', one) > 0)!;
    broker.trim(
      'customer-mail',
      partition,
      broker.read('customer-mail', partition, 0, 1).records[0]!.offset + 1,
    );
    expect(judgeEvidence(evidence, judging).violations).toContainEqual(
      expect.stringMatching(/^I5: .* was not passed on$/),
    );
  });
});
