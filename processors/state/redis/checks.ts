/** What a lane needs of a Redis, looked at before it starts. */
import type { Redis } from 'ioredis';
import type { RedisConnection } from './scripts';

export interface RedisFinding {
  level: 'error' | 'warning';
  /** Names the setting and the remedy. */
  message: string;
}

const LEAST_MAJOR = 7;

/** Empty when all is well. */
export async function checkRedis(connection: RedisConnection): Promise<RedisFinding[]> {
  // A cluster answers through one of its nodes: they are set up alike.
  const redis = connection as Redis;
  const findings: RedisFinding[] = [];
  const version = /redis_version:(\d+)\.(\S+)/.exec(await redis.info('server'));
  if (version === null || Number(version[1]) < LEAST_MAJOR)
    findings.push({
      level: 'error',
      message: `The server is Redis ${version?.[1] ?? 'of an unknown version'}; at least ${LEAST_MAJOR} is needed.`,
    });
  const policy = await setting(redis, 'maxmemory-policy');
  if (policy !== 'noeviction')
    findings.push({
      level: 'error',
      message: `maxmemory-policy is ${policy}: Redis would throw customers away. Set it to noeviction.`,
    });
  if ((await setting(redis, 'appendonly')) !== 'yes')
    findings.push({
      level: 'warning',
      message:
        'appendonly is off: a restart of Redis loses facts, and the lanes must recover. Set it to yes.',
    });
  return findings;
}

async function setting(redis: Redis, name: string): Promise<string> {
  const [, value] = (await redis.config('GET', name)) as [string, string];
  return value;
}
