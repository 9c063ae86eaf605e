/**
 * The audit: one line of JSON per decision about a model, each an object of its own that is never written again,
 *
 *     _audit/<name>/<instant>-<digest of the line>.json
 *
 * A line is written before the pointer moves, so that no move is without one; `sequence` is the one that the pointer
 * was to get, and the pointer says whether it did.
 */
import { z } from 'zod';
import type { EpochMs } from '../../schemas';
import { ArtifactError } from '../errors';
import { sha256Hex } from '../layout';
import { utf8 } from './files';
import { NAME, VERSION } from './manifest';
import type { RegistryStore } from './store';

const LINE_LIMIT = 256 << 10;
/** A line that is longer than the limit could never be read again. */
const LONGEST_REASON = 8_000;

const checkSchema = z.strictObject({
  check: z.string().min(1),
  state: z.enum(['passed', 'failed', 'notApplicable']),
  said: z.string(),
});

const entrySchema = z.strictObject({
  contract: z.literal(1),
  at: z.iso.datetime(),
  name: z.string().regex(NAME),
  action: z.enum(['publish', 'promote', 'rollback', 'reject']),
  version: z.string().regex(VERSION),
  /** Which one scored at that time. */
  current: z.string().regex(VERSION).nullable(),
  /** That the pointer was to get; null when it was to stay. */
  sequence: z.int().positive().nullable(),
  /** Person or program. */
  by: z.string().min(1),
  /** In the words of whoever decided; empty when nothing was said. */
  reason: z.string(),
  /** Against the gate. */
  forced: z.boolean(),
  /** Of the gate, all of them; empty when it was not asked. */
  checks: z.array(checkSchema),
});
export type AuditEntry = z.infer<typeof entrySchema>;
export type AuditedCheck = z.infer<typeof checkSchema>;

/** What whoever decides knows of a decision; the rest follows from the registry. */
export interface Decision {
  at: EpochMs;
  by: string;
  reason?: string;
  forced?: boolean;
  checks?: readonly AuditedCheck[];
}

export type Decided = Pick<AuditEntry, 'name' | 'action' | 'version' | 'current' | 'sequence'>;

export async function writeAudit(store: RegistryStore, decided: Decided, decision: Decision): Promise<void> {
  const at = new Date(decision.at).toISOString();
  const entry: AuditEntry = {
    contract: 1,
    at,
    ...decided,
    by: decision.by,
    reason: (decision.reason ?? '').slice(0, LONGEST_REASON),
    forced: decision.forced ?? false,
    checks: [...(decision.checks ?? [])],
  };
  const line = `${JSON.stringify(entrySchema.parse(entry))}\n`;
  const object = `_audit/${decided.name}/${at.replace(/[-:]/g, '')}-${sha256Hex(line).slice(0, 12)}.json`;
  // The name holds the digest: the same decision at the same instant is the same line.
  if (!(await store.swap(object, Buffer.from(line), null)))
    throw new ArtifactError('audit-damaged', object, 'another line has this name');
}

/** The newest `limit` decisions about a name, oldest first. Throws `ArtifactError` (`audit-damaged`). */
export async function readAudit(store: RegistryStore, name: string, limit: number): Promise<AuditEntry[]> {
  const objects = await store.list(`_audit/${name}/`);
  const entries: AuditEntry[] = [];
  for (const object of objects.slice(-limit)) {
    const found = await store.read(object, LINE_LIMIT);
    const parsed = entrySchema.safeParse(found === null ? null : fromJson(utf8(found.bytes)));
    if (!parsed.success) throw new ArtifactError('audit-damaged', object, 'it is not a line of this audit');
    entries.push(parsed.data);
  }
  return entries;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
