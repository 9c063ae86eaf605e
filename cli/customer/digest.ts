/**
 * Two digests of a state at an instant: of every customer's vector, and of the raw answers of the models. Equal
 * inputs give equal digests, whatever engine folded them, in how many lanes, in which batches.
 */
import { createHash } from 'node:crypto';
import { VECTOR_WIDTH, decodeCustomer, isErasedMarker, toVector } from '../../processors/core';
import type { Scorer } from '../../processors/ports';
import type { CustomerId, EpochMs } from '../../schemas';

export interface StateDigest {
  asOf: EpochMs;
  customers: number;
  /** SHA-256, hex: over (id, 0, SHA-256 of the vector as little-endian float32) in the order of the ids. */
  vectors: string;
  /** SHA-256, hex: over (id, 0, engagement, churn, ltv as little-endian float32) in the order of the ids. */
  outputs: string;
}

const ROWS = 1_024;

interface Row {
  id: CustomerId;
  vector: Float32Array;
}

export async function digestState(
  values: AsyncIterable<{ customerId: CustomerId; value: Uint8Array }>,
  scorer: Pick<Scorer, 'score'>,
  asOf: EpochMs,
): Promise<StateDigest> {
  const held: { id: CustomerId; vector: Buffer; output: Buffer }[] = [];
  let rows: Row[] = [];
  const flush = async (): Promise<void> => {
    const outputs = await scoreRows(rows, scorer);
    rows.forEach(({ id, vector }, at) =>
      held.push({ id, vector: digestOf(bytesOf(vector)), output: outputs[at]! }),
    );
    rows = [];
  };
  for await (const { customerId, value } of values) {
    const customer = decodeCustomer(customerId, value);
    if (isErasedMarker(customer.facts)) continue;
    rows.push({ id: customerId, vector: toVector(customer.facts, asOf) });
    if (rows.length === ROWS) await flush();
  }
  await flush();
  held.sort((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
  const vectors = createHash('sha256');
  const outputs = createHash('sha256');
  for (const { id, vector, output } of held) {
    vectors.update(id).update('\0').update(vector);
    outputs.update(id).update('\0').update(output);
  }
  return { asOf, customers: held.length, vectors: vectors.digest('hex'), outputs: outputs.digest('hex') };
}

async function scoreRows(rows: readonly Row[], scorer: Pick<Scorer, 'score'>): Promise<Buffer[]> {
  if (rows.length === 0) return [];
  const all = new Float32Array(rows.length * VECTOR_WIDTH);
  rows.forEach(({ vector }, at) => all.set(vector, at * VECTOR_WIDTH));
  const { engagement, churn, ltv } = await scorer.score(all, rows.length);
  return rows.map((_, at) => bytesOf(Float32Array.of(engagement[at]!, churn[at]!, ltv[at]!)));
}

const digestOf = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

function bytesOf(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => bytes.writeFloatLE(value, at * 4));
  return bytes;
}
