/** A kafkajs client from settings: addresses, TLS, SASL, and a log that does not cry over what is retried anyway. */
import { readFileSync } from 'node:fs';
import { Kafka, logLevel } from 'kafkajs';
import type { LogEntry, SASLOptions } from 'kafkajs';
import { registerCodecs } from './codecs';

export interface KafkaSettings {
  /** `host:port`, at least one. */
  brokers: readonly string[];
  /** Names the process in the broker's logs and quotas. */
  clientId: string;
  tls: boolean;
  /** PEM file of the authority that signed the brokers' certificates; the system's authorities when empty. */
  tlsCaFile: string;
  sasl: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string } | null;
  /** Before every topic name: several deployments may share a cluster. */
  topicPrefix: string;
}

/** Told of what the client reports at the level of a warning or worse. */
export type KafkaNote = (level: 'warning' | 'error', message: string) => void;

/** What kafkajs calls an error and asks again a moment later. */
const TRANSIENT =
  /CONCURRENT_TRANSACTIONS|another concurrent operation|Limiting retries for the idempotent|The group is rebalancing|Connection (timeout|error|was closed)|ECONNREFUSED|not the leader|There is no leader|coordinator is (not available|loading)|not the correct coordinator/i;

const REQUEST_TIMEOUT_MS = 30_000;
const CONNECTION_TIMEOUT_MS = 3_000;

export function connectKafka(settings: KafkaSettings, onNote: KafkaNote = () => undefined): Kafka {
  registerCodecs();
  const { brokers, clientId, tls, tlsCaFile, sasl } = settings;
  return new Kafka({
    brokers: [...brokers],
    clientId,
    ssl: tls && (tlsCaFile === '' ? true : { ca: [readFileSync(tlsCaFile, 'utf8')] }),
    ...(sasl === null ? {} : { sasl: sasl as SASLOptions }),
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Lanes have patience of their own; a client that retries for minutes would hide an outage from them.
    retry: { initialRetryTime: 50, multiplier: 2, maxRetryTime: 2_000, retries: 5 },
    logLevel: logLevel.WARN,
    logCreator: () => entry => note(entry, onNote),
  });
}

function note({ level, log }: LogEntry, onNote: KafkaNote): void {
  const { message, error } = log as { message: string; error?: unknown };
  const text = typeof error === 'string' && !message.includes(error) ? `${message}: ${error}` : message;
  if (TRANSIENT.test(text)) return;
  onNote(level === logLevel.ERROR ? 'error' : 'warning', text);
}
