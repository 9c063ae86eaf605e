/**
 * The folders that backfill/trainer/rescore_benchmark reads, little-endian:
 *
 *     calibration/rows.json   features, kinds of looks, number of rows N and of customers
 *                 vectors.f32 N × features   kinds.u8, customers.i32, days.f32, labels.f64  N
 *     held-out/labels.f64     customers × (churn, revenue)
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FEATURE_NAMES } from '../../../processors/core';
import type { OrdersByCustomer } from './orders';
import { heldOut, rowsOf } from './rows';
import type { BenchmarkRow } from './rows';

const KINDS = ['now', 'churn', 'revenue'] as const;

export interface Written {
  customers: number;
  orders: number;
  rows: number;
}

export function writeBenchmark(folder: string, orders: OrdersByCustomer): Written {
  const histories = [...orders];
  const rows = histories.flatMap(([id, one], customer) => rowsOf(customer, id, one));
  writeCalibration(join(folder, 'calibration'), rows, histories.length);
  const labels = histories.flatMap(([, one]) => Object.values(heldOut(one)));
  mkdirSync(join(folder, 'held-out'), { recursive: true });
  writeFileSync(join(folder, 'held-out', 'labels.f64'), Float64Array.from(labels));
  const count = histories.reduce((sum, [, one]) => sum + one.length, 0);
  return { customers: histories.length, orders: count, rows: rows.length };
}

function writeCalibration(folder: string, rows: readonly BenchmarkRow[], customers: number): void {
  mkdirSync(folder, { recursive: true });
  const put = (file: string, content: NodeJS.ArrayBufferView | string): void =>
    writeFileSync(join(folder, file), content);
  const vectors = new Float32Array(rows.length * FEATURE_NAMES.length);
  rows.forEach(({ vector }, row) => vectors.set(vector, row * FEATURE_NAMES.length));
  put('vectors.f32', vectors);
  put(
    'kinds.u8',
    Uint8Array.from(rows, ({ look }) => KINDS.indexOf(look.kind)),
  );
  put(
    'customers.i32',
    Int32Array.from(rows, ({ customer }) => customer),
  );
  put(
    'days.f32',
    Float32Array.from(rows, ({ look }) => look.days),
  );
  put(
    'labels.f64',
    Float64Array.from(rows, ({ label }) => label),
  );
  const description = { features: FEATURE_NAMES, kinds: KINDS, rows: rows.length, customers };
  put('rows.json', `${JSON.stringify(description)}\n`);
}
