/** SIGTERM in the middle of a batch, at each step of it; a stop that can't finish says so. */
import { describeWithServers, withServers } from '../testing/describe';
import { Scenario, pause } from './scenario';

const STEPS = ['prepared', 'committing', 'committed', 'publishing', 'published'] as const;
/** The end of a transaction is answered before its positions can be read. */
const LOOKS = 100;
/** Behind the nine seconds that a processor gives itself. */
const SUPERVISOR_MS = 30_000;

describeWithServers('terminated processors', () => {
  const servers = withServers();

  async function untilAgreed(scenario: Scenario): Promise<number> {
    let count = await scenario.disagreements();
    for (let look = 0; count > 0 && look < LOOKS; look++) {
      await pause(100);
      count = await scenario.disagreements();
    }
    return count;
  }

  test('asked to end at any step, it ends with its batch committed and published, before anybody else comes', async () => {
    await Scenario.underTraffic({ ...servers(), seed: 74, rate: 150 }, async scenario => {
      const processor = scenario.processor('a');
      scenario.beginTraffic();
      for (const step of STEPS) {
        processor.start({ TERM_AT: `${step}:9` });
        await processor.reaches(step);
        // It ends with another code where it gives up after its nine seconds.
        expect([step, await processor.ended(SUPERVISOR_MS), processor.complaints]).toEqual([
          step,
          0,
          expect.not.stringContaining('stop-unfinished'),
        ]);
        expect([step, await untilAgreed(scenario)]).toEqual([step, 0]);
      }
      processor.start();
    });
  }, 240_000);

  test('where Redis does not answer it ends in time all the same, with exit code 1 and the reason', async () => {
    await Scenario.underTraffic({ ...servers(), seed: 75, rate: 150 }, async scenario => {
      const [processor] = await scenario.joined('a');
      await scenario.someTraffic(200);
      scenario.beginTraffic();
      await servers().redisServer.pause();
      await scenario.sends(100);
      expect(await processor!.end(SUPERVISOR_MS)).toBe(1);
      await servers().redisServer.resume();
      expect(processor!.complaints).toMatch(/Stopped before all was done: partition \d works still/);
      processor!.start();
    });
  }, 240_000);
});
