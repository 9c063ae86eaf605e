/** Members that join and leave under load, in order and without a word; SIGTERM in the middle of a batch. */
import { describeWithServers, withServers } from '../testing/describe';
import { Scenario, pause } from './scenario';

describeWithServers('members', () => {
  const servers = withServers();

  test('three processors come and go; each ends in order with exit code 0', async () => {
    await Scenario.underTraffic({ ...servers(), seed: 5, partitions: 6, rate: 300 }, async scenario => {
      const others = ['b', 'c'].map(name => scenario.processor(name));
      await scenario.joined('a');
      scenario.beginTraffic();
      const codes: (number | null)[] = [];
      for (let round = 0; round < 6; round++) {
        const guest = others[round % 2]!;
        guest.start();
        expect(await guest.hears('joined')).toBe(true);
        await pause(800 + scenario.random.int(1_500));
        codes.push(await guest.end());
      }
      expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
    });
  }, 240_000);

  test('one that is back signs its dead predecessor off before it can fail: the others have its partitions', async () => {
    const settings = { RESCORE_KAFKA_SESSION_TIMEOUT_MS: '120000' };
    await Scenario.underTraffic({ ...servers(), seed: 6, rate: 150, settings }, async scenario => {
      const [, b] = await scenario.joined('a', 'b');
      scenario.beginTraffic();
      await scenario.sends(300);
      await b!.kill();
      b!.start({ RESCORE_REGISTRY_URL: 'http://127.0.0.1:1' });
      // At rest `a` has read b's partitions too, long before b's session ends.
      expect(await b!.hears('joined')).toBe(false);
      expect(b!.isRunning).toBe(false);
      expect(b!.complaints).toContain('registry');
      await scenario.sends(300);
    });
  }, 240_000);
});
