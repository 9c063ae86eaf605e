/**
 * `make bench-replay`: how fast an archive is folded into features, on one core. A synthetic world is imported as one
 * raw history, then replayed as `rescore backfill replay` does: files, digests, decoding, the core, snapshots,
 * checkpoints. The parts are measured alone on the same records, so that it is seen where the time goes.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { HistoryFold } from '../backfill/dataset';
import type { HistoryRecord } from '../backfill/dataset';
import { MergedRecords } from '../backfill/history/merged';
import { makePlan } from '../backfill/pipeline/plan';
import type { Plan } from '../backfill/pipeline/plan';
import { replayItem } from '../backfill/pipeline/replay';
import { RunFolder } from '../backfill/pipeline/run-folder';
import { systemClock } from '../cli/clock';
import { DEFAULT_RULES } from '../processors/core';
import type { LogRecord } from '../processors/ports';
import { DEFAULT_WORLD, worldRecords } from '../processors/sim/world';
import type { InputTopic } from '../schemas';
import { ArchiveImport, openArchive, openStorage } from '../streams/archive';
import type { OpenArchive } from '../streams/archive';
import { createAvroCodec } from '../streams/avro/codec';
import { commitOf, compare, keepResult, machine, previousResult } from './results';

const ROOT = resolve(__dirname, existsSync(join(__dirname, '../package.json')) ? '..' : '../..');
const ROUNDS = 3;
const codec = createAvroCodec();

async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000_000;
}

/** The least of some rounds: what else runs on the machine only ever adds. */
async function least(work: () => Promise<unknown>): Promise<number> {
  let found = Infinity;
  for (let round = 0; round < ROUNDS; round++) found = Math.min(found, await cpuSeconds(work));
  return found;
}

async function archiveWorld(location: string, customers: number, days: number): Promise<OpenArchive> {
  const storage = openStorage({ location, s3Endpoint: '', s3Region: 'us-east-1' });
  const target = new ArchiveImport(storage, 1, 1_000_000);
  for (const { topic, customerId, recordAt, value } of worldRecords({ ...DEFAULT_WORLD, customers, days }))
    await target.add({
      ...{ topic, partition: 0, recordAt, key: customerId },
      value: codec.encodeInput<InputTopic>(topic, value),
    });
  await target.finish();
  return openArchive(storage);
}

async function readAll(archive: OpenArchive, onRecord: (record: LogRecord) => void): Promise<void> {
  const merged = await MergedRecords.open(archive.log(), [0], ['customer-mail'], null);
  for (;;) {
    const record = merged.peekHeld() ?? (await merged.peek());
    if (record === null) return;
    merged.take(record);
    onRecord(record);
  }
}

const replay = (
  directory: string,
  archive: OpenArchive,
  { items, range, source, conditions }: Plan,
): Promise<unknown> => {
  rmSync(directory, { recursive: true, force: true });
  const { signal } = new AbortController();
  const [item] = items;
  const { kind } = source;
  const run = new RunFolder(directory);
  return replayItem({
    run,
    item: item!,
    kind,
    range,
    conditions,
    foldedBy: 'bench',
    log: archive.log(),
    codec,
    rules: DEFAULT_RULES,
    signal,
  });
};

async function measure(work: string): Promise<Record<string, number>> {
  const archive = await archiveWorld(join(work, 'archive'), 1_000, 200);
  const plan = makePlan({
    ...{ archive, location: '', words: '', kind: null, rules: DEFAULT_RULES },
    ...{ startAt: null, endAt: null },
  });
  const { records, bytes } = plan.items[0]!;
  const whole = await least(() => replay(join(work, 'run'), archive, plan));
  const reading = await least(() => readAll(archive, () => undefined));
  const decoded: HistoryRecord[] = [];
  const decode = ({ topic, value, recordAt }: LogRecord): HistoryRecord =>
    ({ topic, recordAt, value: codec.decode(topic, value) }) as HistoryRecord;
  const decoding = await least(() => readAll(archive, record => void decode(record)));
  await readAll(archive, record => void decoded.push(decode(record)));
  const folding = await least(() => {
    const fold = new HistoryFold(plan.range);
    for (const record of decoded) if (record.recordAt <= plan.range.endAt) fold.take(record);
    return Promise.resolve(fold.finish());
  });
  const micros = (seconds: number): number => (seconds * 1_000_000) / records;
  return {
    events: records,
    'archive.bytesPerEvent': bytes / records,
    'replay.eventsPerCpuSecond': records / whole,
    'replay.microsPerEvent': micros(whole),
    'files.microsPerEvent': micros(reading),
    'decode.microsPerEvent': micros(decoding - reading),
    'fold.microsPerEvent': micros(folding),
  };
}

async function main(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'rescore-bench-replay-'));
  try {
    const figures = await measure(work);
    const commit = commitOf(ROOT);
    const directory = join(ROOT, 'bench', 'results', 'replay');
    const result = { commit, measuredAt: new Date(systemClock.now()).toISOString(), ...machine(), figures };
    process.stdout.write(compare(result, previousResult(directory, commit)));
    process.stdout.write(`Kept in ${keepResult(directory, result)}\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

void main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exitCode = 1;
});
