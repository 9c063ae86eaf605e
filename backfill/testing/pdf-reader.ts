/** Reads a PDF back, in a process of its own: the library is an ES module that Jest can't load. */
import { spawnSync } from 'node:child_process';

export interface ReadPdf {
  pages: number;
  /** Of all pages, without spaces: lines break where the paper ends. */
  text: string;
  info: Record<string, unknown>;
}

const PROGRAM = `
  const { extractText, getMeta } = await import('unpdf');
  const bytes = new Uint8Array(await require('node:fs/promises').readFile(process.argv[1]));
  const { totalPages, text } = await extractText(bytes.slice(), { mergePages: true });
  const { info } = await getMeta(bytes);
  console.log(JSON.stringify({ pages: totalPages, text: text.replace(/\\s+/g, ''), info }));
`;

export function readPdf(file: string): ReadPdf {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['-e', `(async () => {${PROGRAM}})()`, file],
    { cwd: __dirname, encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(`The PDF can't be read: ${stderr}`);
  return JSON.parse(stdout) as ReadPdf;
}
