/** What an orchestrator and Prometheus ask of a processor: GET /healthz, /readyz, /metrics. */
import fastify from 'fastify';
import { liveRegistry } from '../collector/metrics';
import { listen } from '../collector/settings';
import type { Settings } from '../settings';
import type { NightMetrics } from './night-metrics';
import type { Worker } from './worker';

/** Returns where it listens and how to close it. `night`: shown beside what the processor counts. */
export async function openProbes(
  settings: Settings,
  worker: Pick<Worker, 'metrics' | 'schedulers' | 'partitions' | 'stopped' | 'lag' | 'unready' | 'drift'> &
    Partial<Pick<Worker, 'rescorers' | 'models'>>,
  stop: AbortSignal,
  night: Pick<NightMetrics, 'page'> | null = null,
): Promise<{ url: string; close: () => Promise<void> }> {
  const registry = liveRegistry({
    lanes: worker.metrics,
    schedulers: worker.schedulers,
    pending: null,
    streamReaders: null,
    models: worker.models ?? null,
    rescorers: worker.rescorers ?? (() => []),
    held: { partitions: () => worker.partitions().length, stopped: worker.stopped, lag: worker.lag },
    drift: worker.drift,
  });
  const server = fastify({ logger: false });
  server.get('/healthz', () => ({ status: 'ok' }));
  server.get('/readyz', async (_request, reply) => {
    const why = stop.aborted ? 'it is stopping' : worker.unready();
    return why === null ? { status: 'ready' } : reply.code(503).send({ status: 'unready', why });
  });
  server.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(`${await registry.metrics()}${night?.page() ?? ''}`),
  );
  return { url: await listen(server, settings), close: () => server.close() };
}
