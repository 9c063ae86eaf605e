/** A connection for a lane's store: single node, Sentinel or Cluster, with TLS and an ACL user. */
import { Cluster, Redis } from 'ioredis';
import type { RedisConnection } from './scripts';

export interface RedisSettings {
  /** `host:port`; one for a single node, several for Sentinel and Cluster. */
  addresses: readonly string[];
  kind: 'single' | 'sentinel' | 'cluster';
  /** Of the group of servers; Sentinel only. */
  masterName?: string;
  username?: string;
  password?: string;
  /** Of the Sentinels, which have users of their own. */
  sentinelUsername?: string;
  sentinelPassword?: string;
  tls?: boolean;
  /** PEM of the authority that signed the servers' certificates; the system's authorities when absent. */
  tlsCa?: string;
  /** How long a command may take before its outcome counts as unknown, ms. */
  commandTimeoutMs?: number;
}

/**
 * Nothing is sent twice by the client itself: a lane asks again with its own patience, and every script is a
 * compare-and-set. Writes never wait in a queue for a server that is away.
 */
export function connectRedis(settings: RedisSettings): RedisConnection {
  const { addresses, kind, username, password, tls, tlsCa, commandTimeoutMs = 10_000 } = settings;
  const secure = tlsCa === undefined ? {} : { ca: tlsCa };
  const options = {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: kind !== 'single',
    commandTimeout: commandTimeoutMs,
    lazyConnect: true,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === true ? { tls: secure } : {}),
  };
  const nodes = addresses.map(parseAddress);
  const { enableOfflineQueue: _nodesOwn, ...redisOptions } = options;
  if (kind === 'cluster') return new Cluster(nodes, { redisOptions, lazyConnect: true });
  if (kind === 'sentinel')
    return new Redis({
      ...options,
      sentinels: nodes,
      name: settings.masterName ?? 'mymaster',
      ...(settings.sentinelUsername === undefined ? {} : { sentinelUsername: settings.sentinelUsername }),
      ...(settings.sentinelPassword === undefined ? {} : { sentinelPassword: settings.sentinelPassword }),
      // Without these the client takes `tls` for neither the Sentinels nor the servers behind them, and says nothing.
      ...(tls === true ? { sentinelTLS: secure, enableTLSForSentinelMode: true } : {}),
    });
  return new Redis({ ...options, ...nodes[0]! });
}

/** @throws when the text is no `host:port` */
export function parseAddress(text: string): { host: string; port: number } {
  const match = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text);
  if (match === null) throw new Error(`${text} is not an address such as redis.example:6379.`);
  return { host: match[1]!, port: Number(match[2]) };
}
