/**
 * A soak: random kills, stops, Redis restarts and broker restarts for a while, then the verdict. Two minutes unless
 * SOAK_MINUTES says otherwise; SOAK_SEED chooses another course of events, SOAK_RATE other inputs a second. A long one
 * has the machine for itself: its lanes wait for a batch as long as in production.
 */
import { SECOND_MS } from '../../schemas';
import { systemClock } from '../../cli/clock';
import { describeWithServers, withOwnServers } from '../testing/describe';
import type { Processor } from './fleet';
import { Scenario, pause } from './scenario';

const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 2);
const RATE = Number(process.env['SOAK_RATE'] ?? 200);
const SEED = Number(process.env['SOAK_SEED'] ?? systemClock.now() % 100_000);

describeWithServers('a soak', () => {
  const servers = withOwnServers();

  test(
    `${MINUTES} minutes of trouble`,
    async () => {
      const settings = MINUTES > 5 ? { RESCORE_LANE_LINGER_MS: '10' } : {};
      const scenario = await Scenario.open({ ...servers(), seed: SEED, rate: RATE, settings });
      try {
        const fleet = ['a', 'b', 'c'].map(name => scenario.processor(name));
        for (const processor of fleet) processor.start();
        for (const processor of fleet) expect(await processor.hears('joined')).toBe(true);
        scenario.beginTraffic();
        const troubles: string[] = [];
        for (const until = systemClock.now() + MINUTES * 60 * SECOND_MS; systemClock.now() < until;) {
          await pause(1_000 + scenario.random.int(4_000));
          troubles.push(await trouble(scenario, fleet));
          for (const processor of fleet) if (!processor.isRunning) processor.start();
        }
        process.stdout.write(`soak: seed ${SEED}, ${count(troubles)}\n`);
        await scenario.endTraffic();
        await scenario.rest();
        const verdict = await scenario.verdict();
        process.stdout.write(`soak: ${verdict.inputs} inputs, ${verdict.scores} scores\n`);
        expect({ seed: SEED, violations: verdict.violations }).toEqual({ seed: SEED, violations: [] });
      } finally {
        await scenario.close();
      }
    },
    (MINUTES * 60 + 240) * SECOND_MS,
  );

  async function trouble(scenario: Scenario, fleet: readonly Processor[]): Promise<string> {
    const { random } = scenario;
    const victim = random.pick(fleet);
    const dice = random.next();
    if (dice < 0.5) {
      await victim.kill();
      return 'kill';
    }
    if (dice < 0.7) {
      victim.signal('SIGSTOP');
      await pause(500 + random.int(5_000));
      victim.signal('SIGCONT');
      return 'stop';
    }
    if (dice < 0.8) {
      await victim.end();
      return 'end';
    }
    if (dice < 0.95) {
      await servers().redisServer.kill();
      await pause(random.int(1_500));
      await servers().redisServer.start();
      return 'redis';
    }
    await servers().kafkaServer.restart();
    return 'broker';
  }
});

/** "3 kill, 1 redis" */
function count(troubles: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const trouble of troubles) counts.set(trouble, (counts.get(trouble) ?? 0) + 1);
  return [...counts].map(([trouble, times]) => `${times} ${trouble}`).join(', ');
}
