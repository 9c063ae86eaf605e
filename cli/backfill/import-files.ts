/** History from files: read as `rescore replay` reads them, sorted by arrival, kept as an archive in the run folder. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ArchiveImport, openStorage } from '../../streams/archive';
import { createAvroCodec } from '../../streams/avro/codec';
import type { Mapping } from '../../streams/mapping';
import type { Context } from '../context';
import { CliError } from '../errors';
import { inputRules } from '../lanes';
import { bytes, count } from '../output/format';
import { ExternalSort } from '../replay/external-sort';
import { readFiles, type InputFile } from '../replay/files';
import { Intake } from '../replay/intake';
import { QualityReporter } from '../replay/quality';

const MEGABYTE = 1_048_576;

export interface ImportResult {
  records: number;
  deadLetters: number;
}

/** One partition: whatever one customer does to another stays inside. What was there is replaced. */
export async function importFiles(
  context: Context,
  files: readonly InputFile[],
  mapping: Mapping | null,
  folder: string,
): Promise<ImportResult> {
  const { settings, io, reporter } = context;
  rmSync(folder, { recursive: true, force: true });
  const size = files.reduce((sum, file) => sum + file.bytes, 0);
  reporter.note(`Reading ${count(files.length)} file(s), ${bytes(size)} …`);
  const sort = new ExternalSort(join(folder, 'sort'), settings.values['replay.memoryMegabytes'] * MEGABYTE);
  let deadLetters = 0;
  const intake = new Intake({
    sort,
    quality: new QualityReporter(
      files.map(({ name }) => name),
      false,
    ),
    codec: createAvroCodec(),
    rules: inputRules(settings.values),
    strict: false,
    order: recordAt => recordAt,
    onDeadLetter: () => deadLetters++,
  });
  try {
    await readFiles(files, mapping, intake, rows => {
      if (io.signal.aborted) throw new CliError('interrupted', 'Reading was stopped on the way.');
      reporter.detail(`Read ${rows} rows.`);
    });
    await archiveSorted(context, sort, folder);
    return { records: sort.count, deadLetters };
  } finally {
    sort.dispose();
  }
}

async function archiveSorted(
  { settings, reporter }: Context,
  sort: ExternalSort,
  folder: string,
): Promise<void> {
  const { values } = settings;
  const storage = openStorage({ location: folder, s3Endpoint: '', s3Region: values['archive.s3Region'] });
  const target = new ArchiveImport(storage, 1, values['archive.fileOffsets']);
  const progress = reporter.progress('import', sort.count, 'records');
  let done = 0;
  for (const { topic, recordAt, key, value } of sort.sorted()) {
    await target.add({ topic, partition: 0, recordAt, key, value });
    if (++done % 10_000 === 0) progress.update(done);
  }
  await target.finish();
  progress.update(done);
  progress.finish();
  storage.close();
}
