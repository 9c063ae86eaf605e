/** What a lane needs of a Redis, looked at before it starts. INFO says all of it: managed servers refuse CONFIG. */
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
  const info = await infoOf(connection);
  if (info === null)
    return [
      {
        level: 'warning',
        message: `INFO is refused, so nothing could be looked at. Allow +info, or see to it that the server is Redis ${LEAST_MAJOR} or newer with maxmemory-policy noeviction and appendonly yes.`,
      },
    ];
  const findings: RedisFinding[] = [];
  const version = info.get('redis_version')?.split('.')[0];
  if (version === undefined || Number(version) < LEAST_MAJOR)
    findings.push({
      level: 'error',
      message: `The server is Redis ${version ?? 'of an unknown version'}; at least ${LEAST_MAJOR} is needed.`,
    });
  return [...findings, ...evictions(info.get('maxmemory_policy')), ...persistence(info.get('aof_enabled'))];
}

function evictions(policy: string | undefined): RedisFinding[] {
  if (policy === 'noeviction') return [];
  if (policy === undefined)
    return [
      {
        level: 'warning',
        message:
          'The server does not say its maxmemory-policy. See to it that it is noeviction: Redis would throw customers away.',
      },
    ];
  return [
    {
      level: 'error',
      message: `maxmemory-policy is ${policy}: Redis would throw customers away. Set it to noeviction.`,
    },
  ];
}

function persistence(isAppending: string | undefined): RedisFinding[] {
  if (isAppending === '1') return [];
  const message =
    'appendonly is off: a restart of Redis loses facts, and the lanes must recover. Set it to yes.';
  return [{ level: 'warning', message }];
}

/** A user without the right, or a server that calls the command otherwise. */
const REFUSED = /^(NOPERM|ERR unknown command)/;

/** Fields by name; null when this user may not ask. */
async function infoOf(connection: RedisConnection): Promise<Map<string, string> | null> {
  try {
    // A cluster answers through one of its nodes: they are set up alike.
    const text = await (connection as Redis).info();
    return new Map([...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name, value]) => [name!, value!]));
  } catch (error) {
    if (REFUSED.test((error as Error).message)) return null;
    throw error;
  }
}
