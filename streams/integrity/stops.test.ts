/** A process that stands still for longer than its session, at each numbered step, and then goes on: a zombie owner. */
import { LANE_STEPS } from '../../processors/runner';
import { describeWithServers, withServers } from '../testing/describe';
import { SEND_STEPS } from '../kafka';
import { Scenario, pause } from './scenario';

/** Once a lane; everything else in the first batch after a claim, and in the middle of the work. */
const STOPS = [
  ...LANE_STEPS.slice(0, 4).flatMap(step => [`${step}:1`, `${step}:2`]),
  ...[...LANE_STEPS.slice(4), ...SEND_STEPS].flatMap(step => [`${step}:1`, `${step}:9`]),
];

/** Session timeout of a scenario, and what the group needs to notice. */
const PAST_SESSION_MS = 3_500;

describeWithServers('stopped processors', () => {
  const servers = withServers();

  /** One processor works on, another one is stopped at each of these in turn. */
  const stoppedAt = (stops: readonly string[], seed: number): Promise<unknown> =>
    Scenario.underTraffic({ ...servers(), seed, rate: 120 }, async scenario => {
      await scenario.joined('a');
      const stopped = scenario.processor('b');
      scenario.beginTraffic();
      for (const stop of stops) {
        stopped.start({ STOP_AT: stop });
        await stopped.reaches(stop);
        await pause(PAST_SESSION_MS);
        stopped.signal('SIGCONT');
        // What it does now as a zombie is what the test is about.
        await pause(700);
        await stopped.kill();
      }
    });

  // It is mostly waiting: groups of their own at the same servers, side by side.
  test('stopped at every step past the session timeout, then continued', async () => {
    const third = Math.ceil(STOPS.length / 3);
    const part = (at: number): readonly string[] => STOPS.slice(at * third, (at + 1) * third);
    await Promise.all([stoppedAt(part(0), 3), stoppedAt(part(1), 5), stoppedAt(part(2), 15)]);
  }, 480_000);

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
