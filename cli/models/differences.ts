/** Two manifests, field by field, as a person compares them. */
import type { Manifest } from '../../models/registry/manifest';

export interface Difference {
  field: string;
  before: string;
  after: string;
  /** After minus before, of numbers. */
  change: number | null;
}

const ABSENT = '—';

/** `metrics.auc.value` → value; lists are one field; what is nobody's to read (quantiles) is one each. */
function flatten(value: unknown, field: string, into: Map<string, unknown>): Map<string, unknown> {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
  const isQuantiles = /^quantiles\.features\.[^.]+$/.test(field);
  if (!isGroup || isQuantiles) return into.set(field, value);
  for (const [key, part] of Object.entries(value))
    flatten(part, field === '' ? key : `${field}.${key}`, into);
  return into;
}

const said = (value: unknown): string =>
  value === undefined ? ABSENT : typeof value === 'string' ? value : (JSON.stringify(value) ?? ABSENT);
/** Two long lists side by side say nothing. */
const short = (text: string): string => (text.length > 48 ? `${text.slice(0, 47)}…` : text);

/** Metrics first: they are what the eye looks for. */
const order = (field: string): number =>
  field.startsWith('metrics.') ? 0 : field.startsWith('quantiles.') ? 2 : 1;

/** Fields that differ. The version itself differs and is left out. */
export function manifestDifferences(before: Manifest, after: Manifest): Difference[] {
  const [was, is] = [flatten(before, '', new Map()), flatten(after, '', new Map())];
  const fields = [...new Set([...was.keys(), ...is.keys()])].filter(field => field !== 'version');
  return fields
    .filter(field => said(was.get(field)) !== said(is.get(field)))
    .sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1))
    .map(field => {
      const [x, y] = [was.get(field), is.get(field)];
      const change = typeof x === 'number' && typeof y === 'number' ? y - x : null;
      return { field, before: short(said(x)), after: short(said(y)), change };
    });
}
