/** A process that stands still for longer than its session, at each numbered step, and then goes on: a zombie owner. */
import { describeWithServers, withServers } from '../testing/describe';
import { Scenario, pause } from './scenario';

/** The first batch after a claim, and one in the middle of the work. */
const STOPS = [
  'claiming:1',
  'claimed:1',
  'claimed:2',
  'fenced:1',
  'reconciled:2',
  'reading:7',
  'read:1',
  'read:9',
  'prepared:1',
  'committing:1',
  'committing:9',
  'committed:1',
  'committed:9',
  'publishing:1',
  'publishing:9',
  'published:1',
  'published:9',
] as const;

/** Session timeout of a scenario, and what the group needs to notice. */
const PAST_SESSION_MS = 3_500;

describeWithServers('stopped processors', () => {
  const servers = withServers();

  /** One processor works on, another one is stopped at each of these in turn. */
  const stoppedAt = (stops: readonly string[], seed: number): Promise<unknown> =>
    Scenario.underTraffic({ ...servers(), seed, rate: 150 }, async scenario => {
      await scenario.joined('a');
      const stopped = scenario.processor('b');
      scenario.beginTraffic();
      for (const stop of stops) {
        stopped.start({ STOP_AT: stop });
        const [step] = stop.split(':');
        expect([stop, await stopped.hears(`fault ${step}`, 20_000)]).toEqual([stop, true]);
        await pause(PAST_SESSION_MS);
        stopped.signal('SIGCONT');
        // What it does now as a zombie is what the test is about.
        await pause(700);
        await stopped.kill();
      }
    });

  // It is mostly waiting: two groups at the same servers, side by side.
  test('stopped at every step past the session timeout, then continued', async () => {
    const half = STOPS.length >> 1;
    await Promise.all([stoppedAt(STOPS.slice(0, half), 3), stoppedAt(STOPS.slice(half), 5)]);
  }, 300_000);

  test('both stand still for five seconds in turn, under load', async () => {
    await Scenario.underTraffic({ ...servers(), seed: 4, rate: 250 }, async scenario => {
      const both = await scenario.joined('a', 'b');
      scenario.beginTraffic();
      for (let round = 0; round < 4; round++) {
        const victim = both[round % 2]!;
        await pause(500 + scenario.random.int(1_500));
        victim.signal('SIGSTOP');
        await pause(5_000);
        victim.signal('SIGCONT');
      }
    });
  }, 240_000);
});
