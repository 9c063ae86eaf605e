/** Laws of the archive: files follow from the log alone, whatever happened on the way. */
import * as fc from 'fast-check';
import type { ArchivedTopic } from '../../schemas';
import { ARCHIVED_TOPICS, DAY_MS, INPUT_TOPICS, dayOf } from '../../schemas';
import { Archiver } from './archiver';
import type { ArchiverOptions } from './archiver';
import { take, windowOf } from './boundaries';
import type { OpenFile } from './boundaries';
import { decodeFile, encodeFile } from './container';
import type { ArchivedRow } from './container';
import { ArchiveDamagedError, ArchiveGapError } from './errors';
import { openArchive } from './event-log';
import { readManifests } from './manifest';
import { CrashingStorage, LogSource, MemoryStorage } from './testing/worlds';
import { verifyArchive } from './verify';

const BOUNDS = { fileOffsets: 16, fileBytes: 600 };
const BEGAN = Date.UTC(2026, 0, 5);

/** Gaps, days that are left out, clocks that go back a little, tombstones, records above the size of a file. */
const rows = fc
  .array(
    fc.record({
      gap: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 40 })),
      forward: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: -2_000, max: 3_600_000 }) },
        fc.integer({ min: DAY_MS - 5_000, max: 3 * DAY_MS }),
      ),
      key: fc.string({ maxLength: 6 }),
      size: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 90 }) }, fc.constant(900)),
      isTombstone: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  .map(steps => {
    let offset = -1;
    let recordAt = BEGAN;
    return steps.map(({ gap, forward, key, size, isTombstone }): ArchivedRow => {
      offset += 1 + gap;
      recordAt += forward;
      const value = isTombstone ? null : Buffer.alloc(size, offset);
      return { offset, recordAt, key, value, fault: null };
    });
  });

/** Mail and scores have the same rows. */
const logOf = (web: ArchivedRow[], mail: ArchivedRow[]): LogSource =>
  new LogSource(2, [
    { topic: 'engagement-scores', partition: 0, rows: mail },
    { topic: 'web-events', partition: 1, rows: web },
    { topic: 'customer-mail', partition: 0, rows: mail },
  ]);

const longAfter = { now: () => BEGAN + 10_000 * DAY_MS };

const open = (more: Pick<ArchiverOptions, 'source' | 'storage'> & Partial<ArchiverOptions>) =>
  Archiver.open({ clock: longAfter, ...BOUNDS, ...more });

async function archived(source: LogSource): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  await (await open({ source, storage })).round();
  return storage;
}

describe('boundaries', () => {
  const planned = (log: readonly ArchivedRow[]): { file: OpenFile; rows: ArchivedRow[] }[] => {
    const files: { file: OpenFile; rows: ArchivedRow[] }[] = [];
    let file: OpenFile | null = null;
    let held: ArchivedRow[] = [];
    for (const row of log) {
      const { open: next, closed } = take(file, 0, row, BOUNDS);
      if (closed !== null) files.push({ file: closed, rows: held });
      if (closed !== null) held = [];
      held.push(row);
      file = next;
    }
    if (file !== null) files.push({ file, rows: held });
    return files;
  };

  test('a file holds one day and one window of offsets, and is small unless one record is large', () =>
    fc.assert(
      fc.property(rows, log => {
        for (const { file, rows: held } of planned(log)) {
          expect(new Set(held.map(({ recordAt }) => dayOf(recordAt)))).toEqual(new Set([file.day]));
          expect(new Set(held.map(({ offset }) => windowOf(offset, BOUNDS)))).toEqual(new Set([file.window]));
          expect(file.records).toBe(held.length);
          expect(file.bytes <= BOUNDS.fileBytes || held.length === 1).toBe(true);
        }
      }),
    ));

  test('files follow one another without a hole, and hold every record once', () =>
    fc.assert(
      fc.property(rows, log => {
        const files = planned(log);
        expect(files.flatMap(({ rows: held }) => held)).toEqual(log);
        let end = 0;
        for (const { file, rows: held } of files) {
          expect(file.first).toBe(end);
          end = file.end;
          expect(end).toBe(held.at(-1)!.offset + 1);
        }
      }),
    ));

  test('a file is as large as the bounds allow: the next record would not have fitted', () =>
    fc.assert(
      fc.property(rows, log => {
        const files = planned(log);
        for (const [at, { file }] of files.slice(0, -1).entries()) {
          const next = files[at + 1]!.rows[0]!;
          const size = 24 + next.key.length + (next.value?.length ?? 0);
          expect(
            dayOf(next.recordAt) !== file.day ||
              windowOf(next.offset, BOUNDS) !== file.window ||
              file.bytes + size > BOUNDS.fileBytes,
          ).toBe(true);
        }
      }),
    ));
});

describe('the archive of a log', () => {
  test('is the same, byte for byte, in whatever pieces the log grew and wherever the archiver crashed', () =>
    fc.assert(
      fc.asyncProperty(
        rows,
        rows,
        fc.array(fc.record({ grows: fc.integer({ min: 0, max: 80 }), crash: fc.option(fc.nat(8)) }), {
          maxLength: 8,
        }),
        fc.boolean(),
        async (web, mail, rounds, keepsRunning) => {
          const wanted = await archived(logOf(web, mail));
          const source = logOf(web, mail);
          const storage = new CrashingStorage();
          source.show(0);
          let archiver: Archiver | null = null;
          for (const { grows, crash } of rounds) {
            source.show(source.shown + grows);
            storage.crashAfter(crash);
            // Only what is over by the data: the clock stands at the beginning.
            const clock = { now: () => BEGAN };
            try {
              if (archiver === null || !keepsRunning) archiver = await open({ source, storage, clock });
              await archiver.round();
            } catch (error) {
              expect((error as Error).message).toBe('crash');
              archiver = null;
            }
          }
          source.show(Infinity);
          storage.crashAfter(null);
          await (await open({ source, storage })).round();
          expect(storage.contents()).toEqual(wanted.contents());
        },
      ),
      { numRuns: 300 },
    ));

  test('gives back what went in, in pages of any size', () =>
    fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 25 }), async (web, pageSize) => {
        const log = (await openArchive(await archived(logOf(web, [])))).log();
        const [{ 'web-events': at }, { 'web-events': end }] = [await log.starts(1), await log.ends(1)];
        const zero = { ...(await log.starts(1)) };
        const read: unknown[] = [];
        for (let from = at; ;) {
          const [batch] = await log.read(1, { ...zero, 'web-events': from }, pageSize, ['web-events']);
          expect(batch!.records.length).toBeLessThanOrEqual(pageSize);
          for (const { offset, recordAt, key, value } of batch!.records)
            read.push({ offset, recordAt, key, value: Buffer.from(value) });
          from = batch!.nextOffset;
          if (batch!.atEnd) break;
        }
        const sent = web.map(({ offset, recordAt, key, value }) => ({
          offset,
          recordAt,
          key,
          value: value ?? Buffer.alloc(0),
        }));
        expect(read).toEqual(sent);
        expect(end).toBe(web.length === 0 ? 0 : web.at(-1)!.offset + 1);
      }),
    ));

  test('verifies, and a changed or missing file is named', async () => {
    const row = (offset: number): ArchivedRow => ({
      offset,
      recordAt: BEGAN,
      key: 'kim',
      value: Buffer.from('x'),
      fault: null,
    });
    const storage = await archived(logOf([row(0), row(20), row(40)], []));
    expect(await verifyArchive(storage)).toMatchObject({ files: 3, records: 3, problems: [], strays: [] });
    const [first, second] = await storage.list('web-events/');
    const bytes = (await storage.read(first!))!;
    bytes[bytes.length - 20]! ^= 1;
    await storage.write(first!, bytes);
    storage.remove(second!);
    const { problems } = await verifyArchive(storage);
    expect(problems).toEqual([expect.stringContaining(first!), `${second!} is missing.`]);
  });
});

describe('retention that overtakes the archive', () => {
  const row = (offset: number): ArchivedRow => ({
    offset,
    recordAt: BEGAN,
    key: 'kim',
    value: Buffer.from('x'),
    fault: null,
  });

  test('is an error that names the gap; accepted, it is remembered and no hole', async () => {
    const source = logOf(
      Array.from({ length: 60 }, (_, offset) => row(offset)),
      [],
    );
    const storage = new MemoryStorage();
    source.show(20);
    await (await open({ source, storage })).round();
    source.show(Infinity);
    source.expire('web-events', 1, 40);
    const again = await open({ source, storage });
    await expect(again.round()).rejects.toThrow(ArchiveGapError);
    await expect(again.round()).rejects.toThrow(/partition 1 of web-events .* offset 20, Kafka begins at 40/);
    await (await open({ source, storage, acceptGap: true })).round();
    await (await open({ source, storage })).round();
    const { coverage } = await openArchive(storage);
    const web = coverage.find(({ topic }) => topic === 'web-events');
    expect(web).toMatchObject({ start: 0, end: 60, holes: [], gaps: [{ from: 20, to: 40 }] });
  });

  test('a hole that nobody accepted is named by its offsets', async () => {
    const source = logOf(
      Array.from({ length: 60 }, (_, offset) => row(offset)),
      [],
    );
    const storage = await archived(source);
    const files = await readManifests(storage);
    const kept = files.filter(({ first }) => first !== files[1]!.first);
    const name = 'manifest/day=2026-01-05.json';
    await storage.write(name, Buffer.from(JSON.stringify({ version: 1, day: '2026-01-05', files: kept })));
    const { problems } = await verifyArchive(storage);
    expect(problems).toEqual([
      `Partition 1 of web-events lacks offsets ${files[1]!.first} to ${files[1]!.end - 1}.`,
    ]);
  });

  test('nobody reads over a hole; over a gap that was accepted they do', async () => {
    const readAll = async (storage: MemoryStorage, how?: { overHoles: boolean }): Promise<number> => {
      const log = (await openArchive(storage)).log(how);
      const starts = await log.starts(1);
      let records = 0;
      for (let from = starts['web-events']; ;) {
        const [batch] = await log.read(1, { ...starts, 'web-events': from }, 7, ['web-events']);
        records += batch!.records.length;
        from = batch!.nextOffset;
        if (batch!.atEnd) return records;
      }
    };
    const source = logOf(
      Array.from({ length: 60 }, (_, offset) => row(offset)),
      [],
    );
    const storage = await archived(source);
    expect(await readAll(storage)).toBe(60);
    const files = await readManifests(storage);
    const { first, end } = files[1]!;
    const day = { version: 1, day: '2026-01-05', files: files.filter(file => file.first !== first) };
    await storage.write('manifest/day=2026-01-05.json', Buffer.from(JSON.stringify(day)));
    await expect(readAll(storage)).rejects.toThrow(ArchiveDamagedError);
    await expect(readAll(storage)).rejects.toThrow(`lacks offsets ${first} to ${end - 1}`);
    expect(await readAll(storage, { overHoles: true })).toBe(60 - (end - first));
    const description = JSON.parse((await storage.read('archive.json'))!.toString()) as object;
    const gaps = [{ topic: 'web-events', partition: 1, from: first, to: end }];
    await storage.write('archive.json', Buffer.from(JSON.stringify({ ...description, gaps })));
    expect(await readAll(storage)).toBe(60 - (end - first));
  });
});

describe('container files', () => {
  const file = encodeFile('a', [
    { offset: 3, recordAt: BEGAN, key: 'kim', value: Buffer.from('x'), fault: null },
    { offset: 9, recordAt: BEGAN, key: '', value: null, fault: { code: 'batch-unreadable', reason: 'r' } },
  ]);

  test('no cut and no changed length is taken for a file', () => {
    for (let length = 0; length < file.length; length++) {
      const cut = file.subarray(0, length);
      // Where a block ends, the digest of the manifest tells.
      const isWhole = length === file.indexOf(file.subarray(-16)) + 16;
      if (!isWhole) expect(() => decodeFile('a', cut)).toThrow(ArchiveDamagedError);
    }
  });

  test('the name is part of the bytes', () => {
    expect(() => decodeFile('b', file)).toThrow(ArchiveDamagedError);
  });
});

describe('topics', () => {
  const row = { offset: 0, recordAt: BEGAN, key: 'kim', value: Buffer.from('x'), fault: null };
  const logs = (topics: readonly ArchivedTopic[]) =>
    topics.map(topic => ({ topic, partition: 0, rows: [row] }));

  test('every input is archived, and the scores', async () => {
    const { coverage, inputs } = await openArchive(await archived(new LogSource(1, logs(ARCHIVED_TOPICS))));
    expect(coverage.map(({ topic }) => topic)).toEqual([...INPUT_TOPICS, 'engagement-scores']);
    expect(inputs.map(({ topic }) => topic)).toEqual([...INPUT_TOPICS]);
  });

  test('an archive from before the scores goes on, and takes them from where Kafka begins', async () => {
    const storage = await archived(new LogSource(1, logs(INPUT_TOPICS)));
    const before = storage.contents();
    const scores = {
      topic: 'engagement-scores' as const,
      partition: 0,
      rows: [0, 1, 20].map(offset => ({ ...row, offset })),
    };
    const source = new LogSource(1, [...logs(INPUT_TOPICS), scores]);
    source.expire('engagement-scores', 0, 1);
    expect(await (await open({ source, storage })).round()).toBe(2);
    for (const [name, bytes] of Object.entries(before))
      if (!name.startsWith('manifest/')) expect(storage.contents()[name]).toBe(bytes);
    const { problems, strays, coverage } = await verifyArchive(storage);
    expect({ problems, strays }).toEqual({ problems: [], strays: [] });
    expect(coverage.at(-1)).toMatchObject({ topic: 'engagement-scores', start: 1, end: 21, records: 2 });
    const rest = await open({ source, storage });
    expect(await rest.round()).toBe(0);
  });

  test('scores may have other partitions than the inputs', async () => {
    class WideScores extends LogSource {
      override partitions(topic?: ArchivedTopic): number {
        return topic === 'engagement-scores' ? 3 : 1;
      }
    }
    const scores = { topic: 'engagement-scores' as const, partition: 2, rows: [row] };
    const { partitions, coverage } = await openArchive(
      await archived(new WideScores(3, [...logs(INPUT_TOPICS), scores])),
    );
    expect(partitions).toBe(1);
    expect(coverage.at(-1)).toMatchObject({ topic: 'engagement-scores', partition: 2 });
  });
});
