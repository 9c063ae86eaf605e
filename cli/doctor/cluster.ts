/** Kafka, Redis and the registry, as this machine and the settings see them. */
import { checkRedis } from '../../processors/state/redis';
import { checkTopics } from '../../streams/kafka';
import { topicSettings, withAdmin } from '../cluster/admin';
import { openCodec } from '../cluster/codec';
import { connectedRedis } from '../cluster/connections';
import type { Context } from '../context';
import { CLI_ERRORS, CliError } from '../errors';
import { ok, problem, warning, why } from './finding';
import type { Finding } from './finding';

function failed(check: string, error: unknown): Finding {
  if (!(error instanceof CliError))
    return problem(check, why(error), 'Look at the message, and at `rescore settings`.');
  const remedy = CLI_ERRORS[error.code];
  return problem(check, why(error).replace(` ${remedy}`, ''), remedy);
}

/** A finding for each topic that is not as it should be. */
async function kafka(context: Context): Promise<Finding[]> {
  const { values } = context.settings;
  try {
    return await withAdmin(context, async admin => {
      const { brokers } = await admin.describeCluster();
      const reached = ok('kafka', `${brokers.length} broker(s) at ${values['kafka.brokers'].join(', ')}`);
      const found = await checkTopics(admin, topicSettings(values));
      if (found.length === 0) return [reached, ok('topics', 'all there, and fit together')];
      const remedy = CLI_ERRORS['topics-unfit'];
      const findings = found.map(({ topic, level, message }) =>
        (level === 'error' ? problem : warning)(`topic ${topic}`, message, remedy),
      );
      return [reached, ...findings];
    });
  } catch (error) {
    return [failed('kafka', error)];
  }
}

async function redis({ settings: { values } }: Context): Promise<Finding[]> {
  try {
    const connection = await connectedRedis(values, () => undefined);
    try {
      const warnings = (await checkRedis(connection)).map(({ message }) =>
        warning('redis', message, 'docs/cluster.md says what the state needs of Redis.'),
      );
      return [ok('redis', `at ${values['redis.addresses'].join(', ')}`), ...warnings];
    } finally {
      connection.disconnect();
    }
  } catch (error) {
    return [failed('redis', error)];
  }
}

async function registry({ io, settings: { values } }: Context): Promise<Finding> {
  const url = values['registry.url'];
  try {
    await openCodec(values, io.clock);
    return ok(
      'registry',
      url === '' ? 'none: the built-in schema ids' : 'it has the schemas of this release',
    );
  } catch (error) {
    return failed('registry', error);
  }
}

export async function examineCluster(context: Context): Promise<Finding[]> {
  const [ofKafka, ofRedis, ofRegistry] = await Promise.all([
    kafka(context),
    redis(context),
    registry(context),
  ]);
  return [...ofKafka, ...ofRedis, ofRegistry];
}
