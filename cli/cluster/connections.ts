/** Connections of the distributed engine, from the settings. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Kafka } from 'kafkajs';
import { checkRedis, connectRedis } from '../../processors/state/redis';
import type { RedisConnection } from '../../processors/state/redis';
import { connectKafka } from '../../streams/kafka/connect';
import type { KafkaNote, KafkaSettings } from '../../streams/kafka/connect';
import { CliError } from '../errors';
import type { Settings } from '../settings';

/** Stable name of this process: what a restart is known by. */
export const instanceName = (settings: Settings): string =>
  settings['kafka.instance'] === '' ? hostname() : settings['kafka.instance'];

export function kafkaSettings(settings: Settings): KafkaSettings {
  const mechanism = settings['kafka.saslMechanism'];
  const username = settings['kafka.saslUsername'];
  const password = settings['kafka.saslPassword'];
  // The client reads it for itself, and would not say which setting is wrong.
  if (settings['kafka.tls'] === 'on') authorityOf(settings, 'kafka.tlsCaFile');
  return {
    brokers: settings['kafka.brokers'],
    clientId: `${settings['kafka.application']}-${instanceName(settings)}`,
    tls: settings['kafka.tls'] === 'on',
    tlsCaFile: settings['kafka.tlsCaFile'],
    sasl:
      mechanism === 'none'
        ? null
        : { mechanism: mechanism as 'plain' | 'scram-sha-256' | 'scram-sha-512', username, password },
    topicPrefix: settings['kafka.topicPrefix'],
  };
}

export const openKafka = (settings: Settings, onNote?: KafkaNote): Kafka =>
  connectKafka(kafkaSettings(settings), onNote);

/** PEM of the authority that a setting names; null for the system's. @throws CliError certificate-unfit */
function authorityOf(settings: Settings, name: 'kafka.tlsCaFile' | 'redis.tlsCaFile'): string | null {
  const file = settings[name];
  if (file === '') return null;
  try {
    const text = readFileSync(file, 'utf8');
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new CliError('certificate-unfit', `${name}: ${file} cannot be read (${code}).`);
  }
  throw new CliError('certificate-unfit', `${name}: ${file} holds no certificate in PEM.`);
}

function openRedis(settings: Settings): RedisConnection {
  const username = settings['redis.username'];
  const password = settings['redis.password'];
  const sentinelUsername = settings['redis.sentinelUsername'];
  const sentinelPassword = settings['redis.sentinelPassword'];
  const isSecure = settings['redis.tls'] === 'on';
  const tlsCa = isSecure ? authorityOf(settings, 'redis.tlsCaFile') : null;
  return connectRedis({
    addresses: settings['redis.addresses'],
    kind: settings['redis.kind'] as 'single' | 'sentinel' | 'cluster',
    masterName: settings['redis.masterName'],
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(sentinelUsername === '' ? {} : { sentinelUsername }),
    ...(sentinelPassword === '' ? {} : { sentinelPassword }),
    tls: isSecure,
    ...(tlsCa === null ? {} : { tlsCa }),
  });
}

/** Connected and looked at. @throws CliError redis-unreachable, redis-unfit, certificate-unfit */
export async function connectedRedis(
  settings: Settings,
  onNote: (line: string) => void,
): Promise<RedisConnection> {
  const redis = openRedis(settings);
  let lastError = '';
  redis.on('error', (error: Error) => {
    if (error.message !== lastError) onNote(`redis: ${error.message}`);
    lastError = error.message;
  });
  redis.on('ready', () => void (lastError = ''));
  try {
    await redis.connect();
    await checkedRedis(redis, onNote);
    return redis;
  } catch (error) {
    redis.disconnect();
    if (error instanceof CliError) throw error;
    const where = settings['redis.addresses'].join(', ');
    const why = lastError === '' ? (error as Error).message : lastError;
    throw new CliError('redis-unreachable', `Redis at ${where}: ${why.replace(/\.$/, '')}.`);
  }
}

async function checkedRedis(redis: RedisConnection, onNote: (line: string) => void): Promise<void> {
  for (const { level, message } of await checkRedis(redis)) {
    if (level === 'error') throw new CliError('redis-unfit', message);
    onNote(`redis: ${message}`);
  }
}
