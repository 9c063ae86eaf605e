/** kill -9 of the processor under load, twenty times; a processor that dies at each numbered step. */
import { LANE_STEPS } from '../../processors/runner';
import { describeWithServers, withServers } from '../testing/describe';
import { Scenario, pause } from './scenario';

describeWithServers('killed processors', () => {
  const servers = withServers();

  test('twenty kills of one of two at random moments', async () => {
    const { verdict, sent } = await Scenario.underTraffic(
      { ...servers(), seed: 1, rate: 400 },
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

  test('dying at every step, in the first batch after a claim and later', async () => {
    await Scenario.underTraffic({ ...servers(), seed: 2, rate: 200 }, async scenario => {
      await scenario.joined('a');
      const dying = scenario.processor('b');
      scenario.beginTraffic();
      for (const [at, step] of LANE_STEPS.entries()) {
        // Claims come once a lane, everything else again and again.
        const nth = at < 4 ? 2 : at % 2 === 0 ? 1 : 9;
        dying.start({ DIE_AT: `${step}:${nth}` });
        expect(await dying.hears(`fault ${step}`, 20_000)).toBe(true);
        await dying.kill();
      }
    });
  }, 240_000);
});
