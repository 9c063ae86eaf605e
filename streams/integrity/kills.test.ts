/** kill -9 of the processor under load, twenty times; a processor that dies at each step, and in what it does next. */
import { LANE_STEPS } from '../../processors/runner';
import { describeWithServers, withServers } from '../testing/describe';
import { SEND_STEPS } from '../kafka';
import { Scenario, pause } from './scenario';

/** Once a lane, and a processor of these tests has two of them. */
const ONCE_A_LANE = LANE_STEPS.slice(0, 4);
const AGAIN_AND_AGAIN = [...LANE_STEPS.slice(4), ...SEND_STEPS];
const DEATHS = [
  ...ONCE_A_LANE.flatMap(step => [`${step}:1`, `${step}:2`]),
  ...AGAIN_AND_AGAIN.flatMap(step => [`${step}:1`, `${step}:9`]),
];

describeWithServers('killed processors', () => {
  const servers = withServers();

  test('twenty kills of one of two at random moments, with the linger of production', async () => {
    const settings = { RESCORE_LANE_LINGER_MS: '10' };
    const { verdict, sent } = await Scenario.underTraffic(
      { ...servers(), seed: 1, rate: 400, settings },
      async scenario => {
        const both = await scenario.joined('a', 'b');
        scenario.beginTraffic();
        for (let kill = 0; kill < 20; kill++) {
          await pause(300 + scenario.random.int(1_800));
          const victim = scenario.random.pick(both);
          await victim.kill();
          await pause(scenario.random.int(500));
          victim.start();
        }
      },
    );
    expect(verdict.inputs).toBeGreaterThanOrEqual(sent);
    expect(verdict.scores).toBeGreaterThan(100);
  }, 240_000);

  const dyingAt = (deaths: readonly string[], seed: number): Promise<unknown> =>
    Scenario.underTraffic({ ...servers(), seed, rate: 150 }, async scenario => {
      await scenario.joined('a');
      const dying = scenario.processor('b');
      scenario.beginTraffic();
      for (const death of deaths) {
        dying.start({ DIE_AT: death });
        await dying.reaches(death);
        await dying.kill();
      }
    });

  // It is mostly waiting: groups of their own at the same servers, side by side.
  test('dying at every step, in the first batch after a claim and later', async () => {
    const third = Math.ceil(DEATHS.length / 3);
    const part = (at: number): readonly string[] => DEATHS.slice(at * third, (at + 1) * third);
    await Promise.all([dyingAt(part(0), 2), dyingAt(part(1), 12), dyingAt(part(2), 22)]);
  }, 480_000);

  test('dying in what a restart publishes first, again and again', async () => {
    const { verdict } = await Scenario.underTraffic(
      { ...servers(), seed: 13, rate: 150, partitions: 1 },
      async scenario => {
        const dying = scenario.processor('a');
        scenario.beginTraffic();
        // Facts and mail of a batch are out, its messages are not: whoever comes back has them to say before anything.
        for (const death of ['mailed:3', 'mailed:1', 'produced:1', 'ending:1', 'ending:1']) {
          dying.start({ DIE_AT: death });
          await dying.reaches(death);
          await dying.kill();
        }
        dying.start();
        expect(await dying.hears('joined')).toBe(true);
      },
    );
    expect(verdict.scores).toBeGreaterThan(20);
  }, 240_000);
});
