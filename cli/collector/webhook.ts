/**
 * Posts each alert to a webhook, once per message id: signed, in the order of publication, tried again with growing
 * waits. Where it is stands in the output log, so a restart neither loses nor, but for the one under way, repeats.
 */
import { createHmac } from 'node:crypto';
import type { Alert, EpochMs } from '../../schemas';
import type { Clock } from '../../processors/ports';
import type { CollectorMetrics } from './metrics';

export interface WebhookSettings {
  url: string;
  /** Signs the bodies; empty: no signature. */
  secret: string;
  attempts: number;
  firstWaitMs: number;
  timeoutMs: number;
}

export const DEFAULT_WEBHOOK = { attempts: 8, firstWaitMs: 500, timeoutMs: 10_000 } as const;

export interface AlertRecord {
  sequence: number;
  id: string;
  alert: Alert;
}

export interface WebhookPorts {
  clock: Clock;
  metrics: Pick<CollectorMetrics, 'webhooks'>;
  /** Alerts at or after a sequence, oldest first, and where the next read begins. */
  read: (from: number) => { alerts: AlertRecord[]; next: number };
  /** Durable. */
  cursor: { load: () => number; store: (sequence: number) => void };
  /** Given up after the last attempt, or refused for good. */
  giveUp: (record: AlertRecord, why: string) => Promise<void>;
  /** 0 to 1: spreads the waits of many. */
  jitter: () => number;
}

type Answer = 'delivered' | 'again' | 'refused';

export class Webhook {
  constructor(
    private readonly settings: WebhookSettings,
    private readonly ports: WebhookPorts,
  ) {}

  /** Posts everything that waits. */
  async pump(signal: AbortSignal): Promise<void> {
    const { cursor, read } = this.ports;
    const { alerts, next } = read(cursor.load());
    for (const record of alerts) {
      if (signal.aborted || !(await this.deliver(record, signal))) return;
      cursor.store(record.sequence + 1);
    }
    if (next > cursor.load()) cursor.store(next);
  }

  /** False: stopped before it was known what became of it. */
  private async deliver(record: AlertRecord, signal: AbortSignal): Promise<boolean> {
    const { clock, metrics, giveUp, jitter } = this.ports;
    const { attempts, firstWaitMs } = this.settings;
    let why = '';
    for (let attempt = 1; attempt <= attempts && !signal.aborted; attempt++) {
      const { answer, said } = await this.post(record, signal);
      if (answer === 'delivered') {
        metrics.webhooks.inc({ outcome: 'delivered' });
        return true;
      }
      why = said;
      if (answer === 'refused' || signal.aborted) break;
      if (attempt === attempts) break;
      metrics.webhooks.inc({ outcome: 'retried' });
      await clock.sleep(firstWaitMs * 2 ** (attempt - 1) * (1 + jitter()), signal);
    }
    if (signal.aborted) return false;
    metrics.webhooks.inc({ outcome: 'given_up' });
    await giveUp(record, why);
    return true;
  }

  private async post(
    { id, alert }: AlertRecord,
    stop: AbortSignal,
  ): Promise<{ answer: Answer; said: string }> {
    const { url, secret, timeoutMs } = this.settings;
    const body = JSON.stringify({ id, ...alert });
    const headers: Record<string, string> = { 'content-type': 'application/json', 'idempotency-key': id };
    if (secret !== '') headers['rescore-signature'] = signatureOf(body, secret, this.ports.clock.now());
    // A stop does not wait for a receiver that hangs: it is posted again after the restart.
    const cancel = new AbortController();
    const onEnd = (): void => cancel.abort();
    AbortSignal.timeout(timeoutMs).addEventListener('abort', onEnd);
    stop.addEventListener('abort', onEnd);
    try {
      // A redirect would be followed by a GET that delivers nothing, or carry the alert to somebody else.
      const request = { method: 'POST', headers, body, redirect: 'manual', signal: cancel.signal } as const;
      const response = await fetch(url, request);
      await response.body?.cancel();
      return { answer: judge(response.status), said: `it answered ${response.status}` };
    } catch (error) {
      return { answer: 'again', said: cancel.signal.aborted ? 'it did not answer in time' : said(error) };
    } finally {
      stop.removeEventListener('abort', onEnd);
    }
  }
}

/** `fetch` hides what went wrong, such as ECONNREFUSED, in the cause. */
function said(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message;
}

/** What may pass: too busy, gone for a moment. A redirect or any other 4xx will be the same next time. */
const judge = (status: number): Answer =>
  status < 300 ? 'delivered' : status >= 500 || status === 408 || status === 429 ? 'again' : 'refused';

/** `t=<ms>,v1=<hex of HMAC-SHA-256 over "t.body">`: the time is signed too, so an old post can't be sent again. */
export const signatureOf = (body: string, secret: string, at: EpochMs): string =>
  `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`;
