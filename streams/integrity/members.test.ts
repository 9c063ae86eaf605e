/** Members that join and leave under load, in order and without a word; SIGTERM in the middle of a batch. */
import { describeWithServers, withServers } from '../testing/describe';
import { Scenario, pause } from './scenario';

describeWithServers('members', () => {
  const servers = withServers();

  test('three processors come and go; each ends in order with exit code 0', async () => {
    const scenario = await Scenario.open({ ...servers(), seed: 5, partitions: 6 });
    try {
      const [first, ...others] = ['a', 'b', 'c'].map(name => scenario.processor(name));
      first!.start();
      expect(await first!.hears('joined')).toBe(true);
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
      await scenario.endTraffic();
      await scenario.rest();
      expect((await scenario.verdict()).violations).toEqual([]);
    } finally {
      await scenario.close();
    }
  }, 240_000);
});
