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
});
