/** Environment and rescore.yaml into typed settings: every problem is found, each named with its remedy. */
import { parseDocument } from 'yaml';
import { CliError, EXIT } from '../errors';
import type { Field } from './field';
import { environmentName, FIELD_NAMES, FIELDS, type FieldName, type Settings } from './fields';

export type SettingSource = 'default' | 'file' | 'environment';
export interface ParsedSettings {
  values: Settings;
  sources: Readonly<Record<FieldName, SettingSource>>;
}
export interface SettingProblem {
  code: 'setting-unknown' | 'setting-malformed' | 'settings-unreadable';
  message: string;
}

/** RESCORE_ names that are not settings: where tests find their data. */
const RESERVED = new Set(['RESCORE_DATA']);
const fieldOf = (name: FieldName): Field<unknown> => FIELDS[name] as Field<unknown>;
const isField = (name: string): name is FieldName => Object.hasOwn(FIELDS, name);

/** Levenshtein distance, cut short above `limit`: only near misses are worth a suggestion. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}

function suggestion(name: string, known: readonly string[]): string {
  const lower = name.toLowerCase();
  const [best] = known
    .map(candidate => ({ candidate, d: distance(lower, candidate.toLowerCase()) }))
    .sort((a, b) => a.d - b.d);
  return best && best.d <= Math.max(2, Math.floor(name.length / 4)) ? ` Did you mean ${best.candidate}?` : '';
}

const show = (value: unknown, secret: boolean): string =>
  secret ? 'the value given' : (JSON.stringify(value) ?? String(value));

/** `{ a: { bC: 1 } }` → [['a.bC', 1]]; stops where a name is a setting, so that lists and wrong maps stay whole. */
function flatten(node: Record<string, unknown>, prefix = ''): [string, unknown][] {
  return Object.entries(node).flatMap(([key, value]): [string, unknown][] => {
    const name = prefix + key;
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isMap && !isField(name) ? flatten(value as Record<string, unknown>, `${name}.`) : [[name, value]];
  });
}

function readYaml(yaml: string, path: string): { entries: [string, unknown][]; problems: SettingProblem[] } {
  const unreadable = (why: string) => ({
    entries: [],
    problems: [{ code: 'settings-unreadable' as const, message: `${path}: ${why}` }],
  });
  const document = parseDocument(yaml);
  if (document.errors.length > 0) return unreadable(document.errors[0].message.split('\n')[0]);
  const root: unknown = document.toJS();
  if (root === null || root === undefined) return { entries: [], problems: [] };
  if (typeof root !== 'object' || Array.isArray(root))
    return unreadable('the top level must be a map of settings, as in "currency: EUR".');
  return { entries: flatten(root as Record<string, unknown>), problems: [] };
}

interface Given {
  name: FieldName;
  value: unknown;
  /** What the problem is reported under: the YAML path or the variable. */
  label: string;
  source: SettingSource;
}

function fromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  problems: SettingProblem[],
): Given[] {
  const names = new Map(FIELD_NAMES.map(name => [environmentName(name), name]));
  const given: Given[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('RESCORE_') || RESERVED.has(variable) || text === undefined) continue;
    const name = names.get(variable);
    if (name)
      given.push({ name, value: fieldOf(name).fromText(text), label: variable, source: 'environment' });
    else
      problems.push({
        code: 'setting-unknown',
        message: `${variable} is not a setting.${suggestion(variable, [...names.keys()])}`,
      });
  }
  return given;
}

function fromFile(file: { path: string; yaml: string }, problems: SettingProblem[]): Given[] {
  const read = readYaml(file.yaml, file.path);
  problems.push(...read.problems);
  const given: Given[] = [];
  for (const [name, value] of read.entries) {
    if (isField(name)) given.push({ name, value, label: `${file.path}: ${name}`, source: 'file' });
    else
      problems.push({
        code: 'setting-unknown',
        message: `${file.path}: ${name} is not a setting.${suggestion(name, FIELD_NAMES)}`,
      });
  }
  return given;
}

function crossChecks(values: Settings, problems: SettingProblem[]): void {
  if (values['alerts.churnClear'] > values['alerts.churnRaise'])
    problems.push({
      code: 'setting-malformed',
      message: `alerts.churnClear is ${values['alerts.churnClear']}, above alerts.churnRaise of ${values['alerts.churnRaise']}: an alert would be raised and cleared at once.`,
    });
  if (values['webhook.url'] !== '' && values['webhook.secret'] === '')
    problems.push({
      code: 'setting-malformed',
      message:
        'webhook.url is set but webhook.secret is empty: receivers could not tell our calls from others.',
    });
}

/** All problems at once, or the settings. Never throws for bad input. */
export function readSettings(
  env: Readonly<Record<string, string | undefined>>,
  file: { path: string; yaml: string } | null,
): { settings: ParsedSettings; problems: SettingProblem[] } {
  const problems: SettingProblem[] = [];
  const values: Record<string, unknown> = {};
  const sources = {} as Record<FieldName, SettingSource>;
  for (const name of FIELD_NAMES) {
    values[name] = FIELDS[name].default;
    sources[name] = 'default';
  }
  for (const { name, value, label, source } of [
    ...(file ? fromFile(file, problems) : []),
    ...fromEnvironment(env, problems),
  ]) {
    const field = fieldOf(name);
    const parsed = field.schema.safeParse(value);
    if (parsed.success) {
      values[name] = parsed.data;
      sources[name] = source;
    } else
      problems.push({
        code: 'setting-malformed',
        message: `${label}: ${show(value, field.secret)} is not valid; expected ${field.expects} (${field.unit}).`,
      });
  }
  const settings = values as unknown as Settings;
  if (problems.length === 0) crossChecks(settings, problems);
  return { settings: { values: settings, sources }, problems };
}

/** As `readSettings`, throwing the problems as one usage error: `CliError` with exit code 2. */
export function parseSettings(
  env: Readonly<Record<string, string | undefined>>,
  file: { path: string; yaml: string } | null,
): ParsedSettings {
  const { settings, problems } = readSettings(env, file);
  if (problems.length > 0)
    throw new CliError(problems[0].code, problems.map(problem => problem.message).join('\n'), EXIT.usage);
  return settings;
}
