/** kill -9 of the processor under load, twenty times; a processor that dies at each numbered step. */
import { describeWithServers, withServers } from '../testing/describe';
import { Scenario, pause } from './scenario';

const STEPS = [
  'claiming',
  'claimed',
  'fenced',
  'reconciled',
  'reading',
  'read',
  'prepared',
  'committing',
  'committed',
  'publishing',
  'published',
] as const;

describeWithServers('killed processors', () => {
  const servers = withServers();

  test('twenty kills of one of two at random moments', async () => {
    const scenario = await Scenario.open({ ...servers(), seed: 1 });
    try {
      const both = [scenario.processor('a'), scenario.processor('b')];
      for (const processor of both) processor.start();
      for (const processor of both) expect(await processor.hears('joined')).toBe(true);
      scenario.beginTraffic();
      for (let kill = 0; kill < 20; kill++) {
        await pause(300 + scenario.random.int(1_800));
        const victim = scenario.random.pick(both);
        await victim.kill();
        await pause(scenario.random.int(500));
        victim.start();
      }
      await scenario.endTraffic();
      await scenario.rest();
      const verdict = await scenario.verdict();
      expect(verdict.violations).toEqual([]);
      expect(verdict.inputs).toBeGreaterThanOrEqual(scenario.sent);
      expect(verdict.scores).toBeGreaterThan(100);
    } finally {
      await scenario.close();
    }
  }, 240_000);

  test('dying at every step, in the first batch after a claim and later', async () => {
    const scenario = await Scenario.open({ ...servers(), seed: 2, rate: 400 });
    try {
      const steady = scenario.processor('a');
      const dying = scenario.processor('b');
      steady.start();
      expect(await steady.hears('joined')).toBe(true);
      scenario.beginTraffic();
      for (const [at, step] of STEPS.entries()) {
        // Claims come once a lane, everything else again and again.
        const nth = at < 4 ? 2 : at % 2 === 0 ? 1 : 9;
        dying.start({ DIE_AT: `${step}:${nth}` });
        expect(await dying.hears(`fault ${step}`, 20_000)).toBe(true);
        await dying.kill();
      }
      await scenario.endTraffic();
      await scenario.rest();
      expect((await scenario.verdict()).violations).toEqual([]);
    } finally {
      await scenario.close();
    }
  }, 240_000);
});
