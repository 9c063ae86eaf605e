/** Rollbacks of models beside the state: in Redis for every processor of a cluster, in the embedded store for its own. */
import { z } from 'zod';
import type { RedisConnection } from '../../processors/state/redis';
import type { Rollback, RollbackMemory } from '../../processors/swap';
import type { Embedded } from '../../streams/embedded';

const rollbackSchema = z.object({
  model: z.string(),
  version: z.string(),
  sequence: z.int(),
  previous: z.string(),
  words: z.string(),
});

/** What somebody damaged is forgotten: the process still finds out by itself what may not score. */
const readable = (entries: readonly unknown[]): Rollback[] =>
  entries.flatMap(entry => rollbackSchema.safeParse(entry).data ?? []);

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
};

export function rollbacksInRedis(connection: RedisConnection, application: string): RollbackMemory {
  // A tag like those of partitions: the rights of a processor are given by it.
  const key = `{${application}:models}:rollbacks`;
  return {
    recall: async () => readable(Object.values(await connection.hgetall(key)).map(parsed)),
    remember: async rollback => {
      await connection.hset(key, rollback.model, JSON.stringify(rollback));
    },
  };
}

const DOCUMENT = 'models/rollbacks';

export function rollbacksInState({ environment }: Pick<Embedded, 'environment'>): RollbackMemory {
  const recall = () => readable(Object.values(environment.getDocument<object>(DOCUMENT) ?? {}));
  return {
    recall: async () => recall(),
    remember: async rollback =>
      environment.write(() => {
        const all = [...recall(), rollback].map(one => [one.model, one] as const);
        environment.putDocument(DOCUMENT, Object.fromEntries(all));
      }),
  };
}
