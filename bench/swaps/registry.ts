/**
 * A registry of models that answer everybody alike, each version otherwise: a score that names a version then says by
 * itself whether that version made it. Models are as large as the shipped ones, so that a swap does the same work.
 */
import { LAYOUT_FINGERPRINT, sha256Hex } from '../../models/layout';
import { DirectoryStore } from '../../models/registry/directory-store';
import { bringIn, versionOf } from '../../models/registry/publish';
import { seal } from '../../models/registry/sealed';
import { newSigningKey } from '../../models/signing';
import type { SigningKey } from '../../models/signing';
import { draftOf, filesOf, treesOf } from '../../models/testing/artifacts';
import type { Stump, TinyModel } from '../../models/testing/tiny-onnx';
import { VECTOR_WIDTH } from '../../processors/core';
import { DAY_MS } from '../../schemas';
import { point as pointAt } from '../pointer';

export const NAMES = ['engagement', 'churn', 'ltv'] as const;
export type Name = (typeof NAMES)[number];
export const VERSIONS = 8;
export const SET = 'bench';
/** Three nodes each: the shipped churn model has 2,746. */
const STUMPS = 900;
const FIRST_AT = Date.UTC(2026, 0, 1);

export interface Place {
  directory: string;
  publicKey: string;
  /** Of each name, by version: the digest of the manifest, and what that version answers to everybody. */
  versions: Record<Name, Map<string, { digest: string; answer: number }>>;
}

/** A share for two of them, an amount of money for ltv; no two versions of a name have the same. */
export const answerOf = (name: Name, number: number): number =>
  name === 'ltv' ? 25 * (number + 1) : (number + 1) / (VERSIONS + 1);

/** `VERSIONS` versions of every name; the first is current. */
export async function registryOf(directory: string): Promise<Place> {
  const key = newSigningKey();
  const versions: Place['versions'] = { engagement: new Map(), churn: new Map(), ltv: new Map() };
  const made = { directory, publicKey: key.publicKey, versions };
  for (const name of NAMES) {
    for (let number = 0; number < VERSIONS; number++) await bringVersion(made, name, number, key);
    await point(made, name, [...versions[name].keys()][0]!);
  }
  return made;
}

async function bringVersion({ directory, versions }: Place, name: Name, number: number, key: SigningKey) {
  const model = constant(name, answerOf(name, number));
  const trees = name === 'ltv' ? {} : { 'trees.json': Buffer.from(JSON.stringify(treesOf(name, model))) };
  const files = { ...filesOf(model), ...trees };
  const version = versionOf(FIRST_AT + number * DAY_MS, files['model.onnx']);
  const layout = { fingerprint: LAYOUT_FINGERPRINT, width: VECTOR_WIDTH };
  const sealed = seal(draftOf(name, files['model.onnx'], { set: SET, version, layout }), files, key);
  const keys = [{ publicKey: key.publicKey, sets: [SET] }];
  const place = { store: new DirectoryStore(directory), set: SET, keys };
  await bringIn(place, sealed, () => Promise.resolve());
  versions[name].set(version, { digest: sha256Hex(sealed.manifest), answer: answerOf(name, number) });
}

/** Compares as much as a real model does, and every leaf is nothing. */
function constant(name: Name, answer: number): TinyModel {
  const stumps = Array.from({ length: STUMPS }, (_, at): Stump => ({
    ...{ feature: at % VECTOR_WIDTH, threshold: Math.floor(at / VECTOR_WIDTH), below: 0, above: 0 },
  }));
  const logistic = name !== 'ltv';
  const base = Math.fround(logistic ? Math.log(answer / (1 - answer)) : answer);
  return { width: VECTOR_WIDTH, logistic, base, stumps };
}

export const point = ({ directory, versions }: Place, name: Name, version: string): Promise<void> =>
  pointAt(new DirectoryStore(directory), name, version, versions[name].get(version)!.digest);
