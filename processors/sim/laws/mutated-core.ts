/**
 * The core with one line of its source changed, in modules of its own. The change must be found exactly once, so that a
 * mutant can't disappear when the code moves on.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compileFunction } from 'node:vm';
import { transformSync } from '@swc/core';
import type { Core } from './folding';

export interface Mutant {
  /** What a careless change would have made of the rule. */
  rule: string;
  file: string;
  from: string;
  to: string;
}

const ROOT = path.resolve(__dirname, '../../..');
const compiled = new Map<string, string>();

function compile(file: string, mutant: Mutant | null): string {
  const isMutated = mutant !== null && file === path.join(ROOT, 'processors/core', mutant.file);
  const known = compiled.get(file);
  if (!isMutated && known !== undefined) return known;
  let source = readFileSync(file, 'utf8');
  if (isMutated) source = mutate(source, mutant);
  const { code } = transformSync(source, {
    filename: file,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'commonjs' },
  });
  if (!isMutated) compiled.set(file, code);
  return code;
}

function mutate(source: string, { rule, from, to }: Mutant): string {
  const parts = source.split(from);
  if (parts.length !== 2)
    throw new Error(
      `The mutant "${rule}" changes a line that occurs ${parts.length - 1} times; bring it up to date.`,
    );
  return parts.join(to);
}

/** null: the core as it is, by the same way of loading. */
export function loadCore(mutant: Mutant | null): Core {
  const modules = new Map<string, { exports: unknown }>();
  const load = (file: string): unknown => {
    const known = modules.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(file, module);
    const require = (name: string): unknown => load(resolve(path.resolve(path.dirname(file), name)));
    // Not by Function: in Jest's sandbox every look at Math or Map would be slow.
    const run = compileFunction(compile(file, mutant), ['exports', 'require', 'module']) as (
      exports: unknown,
      require: unknown,
      module: unknown,
    ) => void;
    run(module.exports, require, module);
    return module.exports;
  };
  return load(path.join(ROOT, 'processors/core/index.ts')) as Core;
}

const resolve = (name: string): string =>
  path.basename(name) === 'schemas' ? path.join(name, 'index.ts') : `${name}.ts`;
