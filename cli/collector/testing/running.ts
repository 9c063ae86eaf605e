/** A whole service for tests: a real socket, a real LMDB state in a folder of its own, real lanes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Scorer } from '../../../processors/ports';
import { openEmbedded } from '../../../streams/embedded';
import { systemClock } from '../../clock';
import { OpenState } from '../../embedded';
import { startService } from '../../live/service';
import type { Service } from '../../live/service';
import { parseSettings } from '../../settings';
import { openFakeScorer } from '../../testing/fake-scorer';

export interface Running {
  service: Service;
  state: OpenState;
  stop: AbortController;
  directory: string;
  notes: string[];
}

export async function start(
  env: Record<string, string> = {},
  clock: Clock = systemClock,
  open: () => Promise<Scorer> = openFakeScorer,
  onState: (state: OpenState) => void = () => undefined,
): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), 'rescore-collector-'));
  const { values } = parseSettings(
    { RESCORE_COLLECTOR_PORT: '0', RESCORE_COLLECTOR_READ_KEY: READ_KEY, ...env },
    null,
  );
  const state = new OpenState(openEmbedded({ directory, partitions: 2 }));
  onState(state);
  const stop = new AbortController();
  const notes: string[] = [];
  const scorer = await open();
  const onNote = (line: string): void => void notes.push(line);
  const service = await startService({ settings: values, state, scorer, clock, stop, onNote });
  return { service, state, stop, directory, notes };
}

export async function end({ service, state, stop, directory }: Running): Promise<void> {
  stop.abort();
  await service.done;
  await state.close();
  rmSync(directory, { recursive: true, force: true });
}

export const READ_KEY = 'read-key-of-tests';
export const reading = { headers: { authorization: `Bearer ${READ_KEY}` } };

/** Asks again until the condition holds; the test's own time limit ends it. */
export async function until<T>(ask: () => Promise<T | null> | T | null): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    await systemClock.sleep(5);
  }
}

export const post = (
  running: Running,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(`${running.service.url}${path}`, {
    method: 'POST',
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });

export const scoreOf = (running: Running, id: string): Promise<Record<string, unknown>> =>
  until(async () => {
    const response = await fetch(`${running.service.url}/scores/${encodeURIComponent(id)}`, reading);
    return response.status === 200 ? ((await response.json()) as Record<string, unknown>) : null;
  });

export const page = (userId: string, more: object = {}) => ({ userId, type: 'page', name: '/', ...more });
