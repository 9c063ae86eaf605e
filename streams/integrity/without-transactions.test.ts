/** kafka.transactions off: who drops repeats by their ids sees the same as with transactions, whatever happens. */
import { describeWithServers, withOwnServers } from '../testing/describe';
import { Scenario, pause } from './scenario';

const PAST_SESSION_MS = 3_500;

describeWithServers('without transactions', () => {
  const servers = withOwnServers();

  const underTraffic = (seed: number, work: (scenario: Scenario) => Promise<void>): Promise<unknown> => {
    const settings = { RESCORE_KAFKA_TRANSACTIONS: 'off' };
    return Scenario.underTraffic({ ...servers(), seed, rate: 200, dropsRepeats: true, settings }, work);
  };

  const kills = (): Promise<unknown> =>
    underTraffic(71, async scenario => {
      const both = await scenario.joined('a', 'b');
      scenario.beginTraffic();
      for (let kill = 0; kill < 4; kill++) {
        await pause(300 + scenario.random.int(1_500));
        const victim = scenario.random.pick(both);
        await victim.kill();
        victim.start();
      }
      const [, dying] = both;
      for (const fault of ['publishing:1', 'published:9']) {
        await dying!.kill();
        dying!.start({ DIE_AT: fault });
        expect(await dying!.hears('fault', 60_000)).toBe(true);
      }
      for (const processor of both) if (!processor.isRunning) processor.start();
      await scenario.sends(200);
    });

  /** It goes on with a publication that the next owner has made good long ago: whose positions stay? */
  const zombies = (): Promise<unknown> =>
    underTraffic(72, async scenario => {
      await scenario.joined('a');
      const zombie = scenario.processor('b');
      scenario.beginTraffic();
      for (const fault of ['committed:9', 'publishing:9']) {
        zombie.start({ STOP_AT: fault });
        const heard = await zombie.hears('fault', 60_000);
        expect([fault, heard, heard ? '' : zombie.complaints]).toEqual([fault, true, '']);
        await pause(PAST_SESSION_MS);
        zombie.signal('SIGCONT');
        await pause(1_500);
        await zombie.kill();
      }
    });

  // It is mostly waiting: two groups at the same servers, side by side.
  test('killed, or stopped past the session timeout, between what is published and what is committed', async () => {
    await Promise.all([kills(), zombies()]);
  }, 300_000);

  test(
    'the broker restarts, and then one of two dies',
    () =>
      underTraffic(73, async scenario => {
        const both = await scenario.joined('a', 'b');
        scenario.beginTraffic();
        await scenario.sends(600);
        await servers().kafkaServer.restart();
        await scenario.sends(600);
        // Whoever takes over now compares what Redis holds with what was committed.
        await both[0]!.kill();
        await scenario.sends(200);
        for (const processor of both) if (!processor.isRunning) processor.start();
      }),
    240_000,
  );
});
