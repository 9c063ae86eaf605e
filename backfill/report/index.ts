/** What a night has done, for people: one page and the same as a PDF. */
import { join } from 'node:path';
import { writeWhole } from '../pipeline/files';
import { reportOf } from './content';
import { readRunFiles } from './files';
import { pageOf } from './page';
import { pdfOf } from './pdf';

export { ReportError, driftSchema, readRunFiles } from './files';
export type { Drift, RunFiles } from './files';

export interface WrittenReport {
  files: { name: string; bytes: number }[];
}

/** Writes report.html and report.pdf into the run folder, each whole or not at all. @throws ReportError */
export async function writeReport(directory: string): Promise<WrittenReport> {
  const report = reportOf(readRunFiles(directory));
  const contents = { 'report.html': Buffer.from(pageOf(report)), 'report.pdf': await pdfOf(report) };
  return {
    files: Object.entries(contents).map(([name, content]) => {
      writeWhole(join(directory, name), content);
      return { name, bytes: content.length };
    }),
  };
}
