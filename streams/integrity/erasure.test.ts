/** Erasure and rescoring as commands in the log: what a person asks of running processors, and what answers. */
import { runCli } from '../../cli/testing/captured-io';
import { describeWithServers, withServers } from '../testing/describe';
import { readAll } from './read-all';
import { Scenario } from './scenario';

interface Receipt {
  id: string;
  partition: number;
  offset: number;
}

describeWithServers('commands for one customer', () => {
  const servers = withServers();
  const run = async (scenario: Scenario, line: string) => {
    const { code, stdout, stderr } = await runCli(['--json', ...line.split(' '), '--cluster'], {
      cwd: '/',
      env: scenario.environment,
    });
    return {
      code,
      stderr,
      answer: (code === 0 ? JSON.parse(stdout) : null) as Record<string, unknown> | null,
    };
  };
  const scoresOf = (scenario: Scenario) => readAll(scenario.kafka, [`${scenario.prefix}engagement-scores`]);

  test('I13 under load: customers are erased by others and by the command, which prints the receipt that consumers see', async () => {
    const { verdict } = await Scenario.underTraffic(
      { ...servers(), seed: 41, rate: 400, erasures: true },
      async scenario => {
        const [, b] = await scenario.joined('a', 'b');
        scenario.beginTraffic();
        await scenario.sends(2_000);
        const published = await scoresOf(scenario);
        const customer = published.find(({ key, value }) => value !== null && !key.startsWith('anon:'))!.key;
        const { code, stderr, answer } = await run(scenario, `erase ${customer} --timeout 120`);
        expect([code, stderr]).toEqual([0, '']);
        const { id, partition, offset } = answer!['receipt'] as Receipt;
        const receipt = (await scoresOf(scenario)).find(
          one => one.partition === partition && one.offset === offset,
        )!;
        const headers = Object.fromEntries(
          (receipt.headers ?? []).map(([name, text]) => [name, String(text)]),
        );
        expect([receipt.key, receipt.value]).toEqual([customer, null]);
        expect(headers).toMatchObject({
          ce_id: id,
          ce_type: 'rescore.erased',
          ce_time: answer!['erasedAt'],
        });
        // One of two dies with erasures on their way.
        await b!.kill();
        await scenario.sends(2_000);
        await scenario.endTraffic();
        await scenario.rest();
        const erased = (await scoresOf(scenario)).filter(({ value }) => value === null);
        expect(erased.length).toBeGreaterThan(5);
      },
    );
    expect(verdict.scores).toBeGreaterThan(100);
  }, 240_000);

  test('rescoring answers with the score; nobody there to answer is a failure that says what comes', async () => {
    await Scenario.underTraffic({ ...servers(), seed: 42, rate: 400 }, async scenario => {
      const [processor] = await scenario.joined('a');
      await scenario.someTraffic(1_000);
      await scenario.rest();
      const { key: customer } = (await scoresOf(scenario)).find(({ value }) => value !== null)!;

      const { code, stderr, answer } = await run(scenario, `rescore ${customer} --timeout 120`);
      expect([code, stderr]).toEqual([0, '']);
      expect(answer).toMatchObject({ rescored: 1, score: { customerId: customer, cause: 'command' } });

      const place = ({ partition, offset }: { partition: number; offset: number }) =>
        `${partition}/${offset}`;
      const before = new Set((await scoresOf(scenario)).map(place));
      const everybody = await run(scenario, 'rescore --all');
      expect(everybody).toMatchObject({ code: 0, answer: { asked: expect.any(Number) as number } });
      await scenario.rest();
      const rescored = (await scoresOf(scenario)).filter(one => !before.has(place(one)));
      const held = Number(everybody.answer?.['asked']);
      expect(held).toBeGreaterThan(10);
      expect(new Set(rescored.map(({ key }) => key)).size).toBe(held);

      for (const asked of ['erase', 'rescore'])
        expect(await run(scenario, `${asked} nobody`)).toMatchObject({
          code: 1,
          stderr: expect.stringContaining('customer-unknown') as string,
        });

      expect(await processor!.end()).toBe(0);
      const unanswered = await run(scenario, `erase ${customer} --timeout 1`);
      expect(unanswered.code).toBe(1);
      expect(unanswered.stderr).toMatch(
        /unanswered: No processor has answered erase .* within 1 s\..*doctor --cluster/s,
      );
      // It is carried out all the same, and whoever missed the receipt gets another one.
      await scenario.joined('again');
      await scenario.rest();
      expect((await run(scenario, `rescore ${customer}`)).stderr).toContain('customer-unknown');
      expect(await run(scenario, `erase ${customer} --timeout 120`)).toMatchObject({ code: 0, stderr: '' });
    });
  }, 240_000);
});
