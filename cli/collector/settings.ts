/** What the collector needs of the settings, in its own units. */
import type { FastifyInstance } from 'fastify';
import { CliError } from '../errors';
import type { Settings } from '../settings';

export interface CollectorSettings {
  host: string;
  port: number;
  /** Empty: anybody who can reach the address may write. */
  writeKeys: readonly string[];
  /** Null: the reading routes are closed. */
  readKey: string | null;
  maxBodyBytes: number;
  maxEventBytes: number;
  maxBatchEvents: number;
  maxPending: number;
  origins: readonly string[];
}

const KILOBYTE = 1_024;

export const collectorSettings = (values: Settings): CollectorSettings => ({
  host: values['collector.host'],
  port: values['collector.port'],
  writeKeys: values['collector.writeKeys'],
  readKey: values['collector.readKey'] === '' ? null : values['collector.readKey'],
  maxBodyBytes: values['collector.maxBodyKilobytes'] * KILOBYTE,
  maxEventBytes: values['collector.maxEventKilobytes'] * KILOBYTE,
  maxBatchEvents: values['collector.maxBatchEvents'],
  maxPending: values['collector.maxPending'],
  origins: values['collector.corsOrigins'],
});

/** Opens the address of the settings; answers with it. @throws CliError port-unfit */
export async function listen(server: FastifyInstance, values: Settings): Promise<string> {
  const { host, port } = collectorSettings(values);
  return server.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    const why = error.code ?? error.message;
    throw new CliError(
      'port-unfit',
      `collector.host, collector.port: ${host}:${port} cannot be opened (${why}).`,
    );
  });
}
