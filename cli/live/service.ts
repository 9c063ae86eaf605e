/** A live service in one process: lanes, collector, stream, webhook and retention over one embedded state. */
import { randomInt } from 'node:crypto';
import type { Registry } from 'prom-client';
import { MessageWriter } from '../../processors/runner';
import type { Clock, OutgoingMessage, Scorer } from '../../processors/ports';
import { DAY_MS, HOUR_MS } from '../../schemas';
import { MAX_RECORD_BYTES } from '../../streams/avro/frame';
import { createCollector } from '../collector/collector';
import { collectorMetrics, liveRegistry } from '../collector/metrics';
import type { CollectorMetrics } from '../collector/metrics';
import { Reception } from '../collector/reception';
import { collectorSettings, listen } from '../collector/settings';
import { MessageStream } from '../collector/stream';
import { DEFAULT_WEBHOOK, Webhook } from '../collector/webhook';
import type { AlertRecord } from '../collector/webhook';
import { presentScore } from '../customer/present-score';
import type { OpenState } from '../embedded';
import { inputRules } from '../lanes';
import { Retention } from '../replay/retention';
import type { Settings } from '../settings';
import type { LiveModels } from '../models/live';
import { startLive } from './engine';
import type { LiveEngine } from './engine';
import { OutputTail, readAlerts } from './output-tail';

const PUMP_MS = 50;
const BEAT_EVERY = 15_000 / PUMP_MS;
const WEBHOOK_CURSOR = 'webhook';

export interface Service {
  /** Where it listens. */
  url: string;
  engine: LiveEngine;
  stream: MessageStream;
  /** Resolves when it has stopped; rejects when a lane could not go on. */
  done: Promise<void>;
}

export interface ServiceOptions {
  settings: Settings;
  state: OpenState;
  scorer: Scorer;
  /** Where they change while lanes work. */
  models?: LiveModels;
  clock: Clock;
  stop: AbortController;
  onNote: (line: string) => void;
}

export async function startService(options: ServiceOptions): Promise<Service> {
  const { settings, state, scorer, clock, stop, models } = options;
  const engine = startLive(settings, state, scorer, clock, stop, models?.wanted);
  const stream = new MessageStream();
  const registry = liveRegistry({
    lanes: engine.metrics,
    schedulers: engine.schedulers,
    pending: engine.pending,
    streamReaders: () => stream.metrics.readers,
    models: models?.metrics ?? null,
    rescorers: engine.rescorers,
    drift: engine.drift,
  });
  const metrics = collectorMetrics(registry);
  const server = openCollector(options, engine, stream, metrics, registry);
  const url = await listen(server, settings).catch(async (error: unknown) => {
    // Lanes are at work already: the state may be closed only when they have ended.
    stop.abort();
    await engine.done.catch(() => undefined);
    throw error;
  });
  const background = [follow(options, stream), postAlerts(options, metrics)];
  const done = engine.done.finally(async () => {
    stop.abort();
    stream.close();
    await server.close();
    await Promise.all(background);
  });
  return { url, engine, stream, done };
}

function openCollector(
  { settings, state, scorer, clock, stop }: ServiceOptions,
  engine: LiveEngine,
  stream: MessageStream,
  metrics: CollectorMetrics,
  registry: Registry,
) {
  const { log } = state.embedded;
  const writer = new MessageWriter(state.codec, 'rescore', MAX_RECORD_BYTES, () => undefined);
  let letters = 0;
  const reception = new Reception(
    {
      log,
      codec: state.codec,
      rules: inputRules(settings),
      deadLetter: ({ bytes, code, reason, at }) => {
        const source = { topic: 'http', partition: 0, offset: at * 1_000 + (letters++ % 1_000) };
        publish(
          state,
          writer.deadLetter({ source, origin: 'http', stage: 'validate', code, reason }, bytes, at),
        );
        return Promise.resolve();
      },
    },
    collectorSettings(settings).maxEventBytes,
  );
  return createCollector(collectorSettings(settings), {
    reception,
    stream,
    clock,
    metrics,
    registry,
    pending: engine.pending,
    scoreOf: async id => {
      const customer = state.customer(id);
      return customer && presentScore(customer, scorer, settings.currency);
    },
    unready: () => (stop.signal.aborted ? 'it is stopping' : null),
  });
}

const publish = ({ embedded: { environment, output } }: OpenState, message: OutgoingMessage): void =>
  environment.write(() => output.appendInTransaction([message]));

/** Copies new outputs to readers, and removes what is older than the retention setting. */
async function follow(
  { state, clock, stop, settings }: ServiceOptions,
  stream: MessageStream,
): Promise<void> {
  const tail = new OutputTail(state, stream);
  const retention = new Retention(state.embedded, settings['state.logRetentionDays'] * DAY_MS, HOUR_MS);
  for (let round = 0; !stop.signal.aborted; round++) {
    if (tail.pump() === 0) await clock.sleep(PUMP_MS, stop.signal);
    if (round % BEAT_EVERY !== 0) continue;
    stream.beat();
    const posted =
      settings['webhook.url'] === '' ? tail.position : state.embedded.output.cursor(WEBHOOK_CURSOR).sequence;
    await retention.reached(clock.now(), Math.min(tail.position, posted));
  }
  tail.pump();
}

async function postAlerts(options: ServiceOptions, metrics: CollectorMetrics): Promise<void> {
  const { settings, state, clock, stop, onNote } = options;
  if (settings['webhook.url'] === '') return;
  const { output } = state.embedded;
  const writer = new MessageWriter(state.codec, 'rescore', MAX_RECORD_BYTES, () => undefined);
  const webhook = new Webhook(
    { url: settings['webhook.url'], secret: settings['webhook.secret'], ...DEFAULT_WEBHOOK },
    {
      clock,
      metrics,
      read: from => readAlerts(state, from),
      cursor: {
        load: () => output.cursor(WEBHOOK_CURSOR).sequence,
        store: sequence => output.setCursor(WEBHOOK_CURSOR, sequence),
      },
      giveUp: (record, why) => {
        onNote(`The alert ${record.id} could not be posted: ${why}. It is a dead letter now.`);
        publish(state, undeliverable(writer, record, why, clock.now()));
        return Promise.resolve();
      },
      jitter: () => randomInt(1_000) / 1_000,
    },
  );
  while (!stop.signal.aborted) {
    await webhook.pump(stop.signal);
    await clock.sleep(PUMP_MS, stop.signal);
  }
}

function undeliverable(
  writer: MessageWriter,
  { sequence, id, alert }: AlertRecord,
  why: string,
  at: number,
): OutgoingMessage {
  const source = { topic: 'engagement-alerts', partition: 0, offset: sequence };
  const reason = `The webhook did not take alert ${id}: ${why}. Check webhook.url and its receiver.`;
  return writer.deadLetter(
    { source, origin: 'webhook', stage: 'publish', code: 'webhook-refused', reason },
    Buffer.from(JSON.stringify(alert)),
    at,
  );
}
