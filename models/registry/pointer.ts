/** `current.json`: which version of a name scores. Not signed: it can only choose among versions that are. */
import { z } from 'zod';
import { ArtifactError } from '../errors';
import { canonicalJson } from '../canonical-json';
import type { JsonValue } from '../canonical-json';
import { NAME, VERSION } from './manifest';

/** The newest so many are remembered. */
export const MOST_WITHDRAWN = 50;

const pointerSchema = z.strictObject({
  name: z.string().regex(NAME),
  /** Checked apart: a version that is no version may be an attempt to leave the registry. */
  version: z.string(),
  manifestSha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Counts the moves of the pointer. */
  sequence: z.int().positive(),
  previous: z.string().regex(VERSION).nullable(),
  /** Versions that were rolled back: publishing does not bring them back, only a promotion does. */
  withdrawn: z.array(z.string().regex(VERSION)).max(MOST_WITHDRAWN).optional(),
});
export type Pointer = z.infer<typeof pointerSchema>;

export const writePointer = (pointer: Pointer): string => canonicalJson(pointer as JsonValue);

export function readPointer(text: string, name: string): Pointer {
  const artifact = `${name}/current.json`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ArtifactError('pointer-malformed', artifact, 'it is not JSON', { cause });
  }
  const parsed = pointerSchema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new ArtifactError('pointer-malformed', artifact, `${path.join('.') || 'pointer'}: ${message}`);
  }
  if (!VERSION.test(parsed.data.version))
    throw new ArtifactError(
      'version-malformed',
      artifact,
      `${JSON.stringify(parsed.data.version.slice(0, 64))} is not a version`,
    );
  if (parsed.data.name !== name)
    throw new ArtifactError('pointer-malformed', artifact, `it points at the model ${parsed.data.name}`);
  return parsed.data;
}
