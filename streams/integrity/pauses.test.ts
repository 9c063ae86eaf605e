/**
 * Processors that stand still for 5, 40 and 90 s and then go on: zombies for their group, and for the longest of them the
 * broker has given up every transaction (60 s) and the watchdog would take it for a broker's silence (60 s).
 */
import { SECOND_MS } from '../../schemas';
import { describeWithServers, withServers } from '../testing/describe';
import type { Processor } from './fleet';
import { Scenario, pause } from './scenario';

const PAUSES_S = [5, 40, 90] as const;

describeWithServers('processors that stand still for long', () => {
  const servers = withServers();

  async function standsStill(processor: Processor, seconds: number): Promise<void> {
    processor.signal('SIGSTOP');
    await pause(seconds * SECOND_MS);
    processor.signal('SIGCONT');
  }

  const threeOfFour = (): Promise<unknown> =>
    Scenario.underTraffic({ ...servers(), seed: 24, partitions: 8, rate: 60 }, async scenario => {
      const [works, ...stopped] = await scenario.joined('a', 'b', 'c', 'd');
      scenario.beginTraffic();
      await scenario.sends(200);
      await Promise.all(stopped.map((one, at) => standsStill(one, PAUSES_S[at]!)));
      // Each of them works again: the others leave it alone.
      await works!.end();
      await scenario.sends(200);
      await stopped[0]!.end();
      await stopped[1]!.end();
      await scenario.sends(200);
      await scenario.endTraffic();
      await scenario.rest();
      expect(stopped.map(({ isRunning }) => isRunning)).toEqual([false, false, true]);
      expect(stopped[2]!.complaints).not.toContain('No broker has answered');
    });

  /** Nobody takes over: when it goes on, its transaction is over, and what it sends next is refused. */
  const aloneInTransaction = (): Promise<unknown> =>
    Scenario.underTraffic({ ...servers(), seed: 25, partitions: 1, rate: 60 }, async scenario => {
      const only = scenario.processor('a');
      only.start({ STOP_AT: 'ending:9' });
      scenario.beginTraffic();
      expect(await only.hears('fault ending 9', 60_000)).toBe(true);
      await pause(75 * SECOND_MS);
      only.signal('SIGCONT');
      await scenario.sends(200);
    });

  test('5, 40 and 90 s beside one that works on, and 75 s alone in the middle of a transaction', async () => {
    await Promise.all([threeOfFour(), aloneInTransaction()]);
  }, 420_000);
});
