/**
 * What processes know of versions of models, beside the state: in Redis for every processor of a cluster, in the embedded
 * store for its own.
 */
import { z } from 'zod';
import type { RedisConnection } from '../../processors/state/redis';
import type { ModelMemory, Rollback } from '../../processors/swap';
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

const versions = (found: object): ReadonlyMap<string, string> =>
  new Map(Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
};

export function memoryInRedis(connection: RedisConnection, application: string): ModelMemory {
  // A tag like those of partitions: the rights of a processor are given by it.
  const key = (what: string): string => `{${application}:models}:${what}`;
  return {
    recall: async () => ({
      rollbacks: readable(Object.values(await connection.hgetall(key('rollbacks'))).map(parsed)),
      proven: versions(await connection.hgetall(key('proven'))),
    }),
    rememberRollback: async rollback => {
      await connection.hset(key('rollbacks'), rollback.model, JSON.stringify(rollback));
    },
    rememberProven: async (model, version) => {
      await connection.hset(key('proven'), model, version);
    },
  };
}

const ROLLBACKS = 'models/rollbacks';
const PROVEN = 'models/proven';

export function memoryInState({ environment }: Pick<Embedded, 'environment'>): ModelMemory {
  const document = (name: string): object => environment.getDocument<object>(name) ?? {};
  const rollbacks = () => readable(Object.values(document(ROLLBACKS)));
  const proven = () => versions(document(PROVEN));
  return {
    recall: async () => ({ rollbacks: rollbacks(), proven: proven() }),
    rememberRollback: async rollback =>
      environment.write(() => {
        const all = [...rollbacks(), rollback].map(one => [one.model, one] as const);
        environment.putDocument(ROLLBACKS, Object.fromEntries(all));
      }),
    rememberProven: async (model, version) =>
      environment.write(() => {
        environment.putDocument(PROVEN, Object.fromEntries([...proven(), [model, version]]));
      }),
  };
}
