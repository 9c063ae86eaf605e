/** Dead letters of a state, as an operator meets them; those of a cluster: cluster.test.ts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../testing/captured-io';
import type { Listing } from './testing/dead-letters-suite';

const directory = mkdtempSync(join(tmpdir(), 'rescore-letters-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('of a state', () => {
  const run = (line: string) => runCli(line.split(' '), { cwd: directory });
  beforeAll(async () => {
    const good = '{"type":"page","messageId":"m","userId":"kim","timestamp":"2026-01-01T12:00:00Z"}';
    const hostile = `{"type":"page"\u001b[2J`;
    writeFileSync(join(directory, 'rows.jsonl'), `${good}\nnot json\n${hostile}\n`);
    expect((await run('replay rows.jsonl --format segment --out out')).code).toBe(0);
  });

  test('list counts and names the newest first', async () => {
    const { stdout } = await run('--json dead-letters list --state out/state');
    const { total, counts, letters } = JSON.parse(stdout) as Listing;
    expect([total, counts]).toEqual([2, [{ stage: 'read', code: 'malformed-json', count: 2 }]]);
    expect(letters.map(({ key }) => key)).toEqual(['file/0/3', 'file/0/2']);
  });

  test('show: reason, origin and bytes; what would drive a terminal is not printed', async () => {
    const text = (await run('dead-letters show file/0/2 --state out/state')).stdout;
    for (const said of ['malformed-json', 'rows.jsonl:2', 'not json', '8 bytes'])
      expect(text).toContain(said);
    const hostile = (await run('dead-letters show file/0/3 --state out/state')).stdout;
    expect(hostile).not.toContain('\u001b');
    expect(hostile).toContain('67 65 22 1b 5b  ');
  });

  test('show --raw: the bytes themselves', async () =>
    expect((await run('dead-letters show file/0/2 --raw --state out/state')).stdout).toBe('not json'));

  test.each([
    ['a source that is none', 'show file/0/9 --state out/state', 1, 'dead-letter-unknown'],
    [
      'a state without instants',
      'list --from 2026-01-01T00:00:00Z --state out/state',
      2,
      '--from needs a cluster',
    ],
    ['a time that is none', 'list --from soon', 2, '--from soon is not a time'],
    ['nothing to retry', 'retry', 2, 'Name one source, or --all (not both).'],
    ['everything', 'retry --all', 2, 'Name the --code that was mended'],
  ])('%s', async (_what, line, code, said) => {
    const answer = await run(`dead-letters ${line}`);
    expect([answer.code, answer.stderr]).toEqual([code, expect.stringContaining(said)]);
  });
});
