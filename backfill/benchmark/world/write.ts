/**
 * One folder per model for backfill/trainer/rescore_benchmark/world_measure.py, little-endian, N rows of one side each:
 *
 *     <model>/<side>.vectors.f32  N × features    <side>.labels.f64  N
 *     <model>/validation.customers.i32, .best.f64, .latent.f64, .model.f64  N
 *     <model>/features.json
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FEATURE_NAMES, VECTOR_WIDTH } from '../../../processors/core';
import { LABEL_PLANS } from '../../dataset';
import type { ArchiveRange, LabelPlan, Truth } from '../../dataset';
import { SIDE } from '../../dataset/plan';
import type { Side } from '../../dataset/plan';
import { labelOf, selectRows } from '../../dataset/select';
import type { SelectedRow } from '../../dataset/select';
import type { Snapshots } from '../../dataset/snapshots';

interface World {
  snapshots: Snapshots;
  range: ArchiveRange;
  best: Truth;
  /** Given the latent state: out of everybody's reach. */
  latent: Truth;
  /** So many validation customers are asked about, the first seen first. */
  asked: number;
  ask(vectors: Float32Array): Promise<Float32Array>;
}

const doubles = (rows: readonly SelectedRow[], value: (one: SelectedRow) => number): Float64Array =>
  Float64Array.from(rows, value);

/** Returns the number of validation rows. */
export async function writeWorldRows(folder: string, plan: LabelPlan, world: World): Promise<number> {
  const { snapshots, range, best, latent, ask, asked } = world;
  const column = LABEL_PLANS.indexOf(plan);
  const place = join(folder, plan.name);
  mkdirSync(place, { recursive: true });
  const put = (file: string, content: NodeJS.ArrayBufferView | string): void =>
    writeFileSync(join(place, file), content);
  const selected = selectRows(snapshots, range);
  const ofSide = (side: Side): SelectedRow[] => selected.filter(({ sides }) => sides[column] === side);
  const training = ofSide(SIDE.training);
  const everybody = ofSide(SIDE.validation);
  const numbers = new Map([...new Set(everybody.map(({ row }) => row.customerId))].map((id, at) => [id, at]));
  const validation = everybody.filter(({ row }) => numbers.get(row.customerId)! < asked);
  if (validation.length === 0)
    throw new Error(`${plan.name}: no validation rows; give more --customers or --days.`);
  for (const [side, rows] of Object.entries({ training, validation })) {
    put(`${side}.vectors.f32`, vectorsOf(snapshots, rows));
    put(
      `${side}.labels.f64`,
      doubles(rows, ({ row }) => labelOf(plan, row)),
    );
  }
  const customers = validation.map(({ row }) => numbers.get(row.customerId)!);
  put('validation.customers.i32', Int32Array.from(customers));
  for (const [name, truth] of Object.entries({ best, latent }))
    put(
      `validation.${name}.f64`,
      doubles(validation, ({ row }) => truth(row.customerId, row.at, plan.name)),
    );
  put('validation.model.f64', Float64Array.from(await ask(vectorsOf(snapshots, validation))));
  put('features.json', `${JSON.stringify(FEATURE_NAMES)}\n`);
  return validation.length;
}

function vectorsOf(snapshots: Snapshots, rows: readonly SelectedRow[]): Float32Array {
  const vectors = new Float32Array(rows.length * VECTOR_WIDTH);
  rows.forEach(({ index }, row) => vectors.set(snapshots.vector(index), row * VECTOR_WIDTH));
  return vectors;
}
