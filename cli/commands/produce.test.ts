/** What `rescore produce` is not given right; what it sends: cluster.test.ts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../testing/captured-io';

const directory = mkdtempSync(join(tmpdir(), 'rescore-produce-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test.each([
  ['no such file', 'nowhere.jsonl', 'input-missing'],
  ['two formats', 'rows.jsonl --map cdnow --format segment', 'Name --map or --format, not both.'],
  ['a rate of nothing', 'rows.jsonl --rate 0', '--rate 0 is not a number above 0.'],
  ['half a row', 'rows.jsonl --limit 1.5', '--limit 1.5 is not a whole number above 0.'],
])('%s', async (_what, line, said) => {
  writeFileSync(join(directory, 'rows.jsonl'), '{}');
  const { code, stderr } = await runCli(['produce', ...line.split(' ')], { cwd: directory });
  expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
});
