/** `rescore topics` where no broker answers; on a real one: cluster.test.ts. */
import { runCli } from '../testing/captured-io';

test('a cluster that is not there', async () => {
  const env = { RESCORE_KAFKA_BROKERS: '127.0.0.1:1' };
  const { code, stderr } = await runCli(['topics', 'check'], { cwd: '/', env });
  expect([code, stderr]).toEqual([1, expect.stringContaining('kafka-unreachable: Kafka at 127.0.0.1:1')]);
});
