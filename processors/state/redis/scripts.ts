/** The Lua scripts, one command a file; the number of keys is in the name. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster, Redis } from 'ioredis';

export type RedisConnection = Redis | Cluster;
type Argument = string | number | Buffer;

/** Beside the source; a compiled program stands one tree below it. */
const FOLDER = [join(__dirname, 'lua'), join(__dirname, '../../../../processors/state/redis/lua')].find(
  existsSync,
);

/** A reply in bytes, as Redis gave it. */
export type Reply = number | Buffer | null | Reply[];
export type ScriptName = 'claim' | 'initialise' | 'load' | 'positions' | 'commit';
export type Scripts = Record<ScriptName, (...args: Argument[]) => Promise<Reply>>;

/** Defines the scripts on a connection. */
export function loadScripts(connection: RedisConnection): Scripts {
  if (FOLDER === undefined) throw new Error('The Lua scripts are missing from the installation.');
  const scripts: Partial<Scripts> = {};
  for (const file of readdirSync(FOLDER)) {
    const match = /^([a-z]+)-(\d)\.lua$/.exec(file);
    if (match === null) continue;
    const [, name, numberOfKeys] = match;
    const command = `rescore${name}`;
    connection.defineCommand(command, {
      numberOfKeys: Number(numberOfKeys),
      lua: readFileSync(join(FOLDER, file), 'utf8'),
    });
    const run = (connection as unknown as Record<string, (...args: Argument[]) => Promise<Reply>>)[
      `${command}Buffer`
    ]!;
    scripts[name as ScriptName] = (...args) => run.apply(connection, args);
  }
  return scripts as Scripts;
}
