import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readJsonFile, writeJsonAtomically } from './atomic-file';
import { LineFile } from './line-file';

const directory = mkdtempSync(join(tmpdir(), 'rescore-lines-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('output files', () => {
  it('are cut back to what was committed', () => {
    const path = join(directory, 'a.jsonl');
    const first = new LineFile(path, 0);
    first.add({ n: 1 });
    const committed = first.sync();
    first.add({ n: 'é' });
    first.sync();
    first.close();
    appendFileSync(path, '{"half');
    const second = new LineFile(path, committed);
    second.add({ n: 3 });
    second.sync();
    second.close();
    expect(readFileSync(path, 'utf8')).toBe('{"n":1}\n{"n":3}\n');
  });

  it('a file that lost bytes is damage, not a new start', () => {
    const path = join(directory, 'b.jsonl');
    writeFileSync(path, '{"n":1}\n');
    truncateSync(path, 3);
    expect(() => new LineFile(path, 8)).toThrow(/b\.jsonl has 3 bytes where the state committed 8/);
  });

  it('large outputs are written in order', () => {
    const path = join(directory, 'c.jsonl');
    const file = new LineFile(path, 0);
    for (let n = 0; n < 40_000; n++) file.add({ n, text: 'x'.repeat(60) });
    const size = file.sync();
    file.close();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(readFileSync(path).length).toBe(size);
    expect(lines.map(line => (JSON.parse(line) as { n: number }).n)).toEqual(
      Array.from({ length: 40_000 }, (_, n) => n),
    );
  });
});

describe('state files', () => {
  it('are replaced whole; absent is null; anything else is damage', () => {
    const path = join(directory, 'state.json');
    expect(readJsonFile(path)).toBeNull();
    writeJsonAtomically(path, { at: 1 });
    writeJsonAtomically(path, { at: 2 });
    expect(readJsonFile(path)).toEqual({ at: 2 });
    writeFileSync(path, '{"at"');
    expect(() => readJsonFile(path)).toThrow(/state-damaged|is not JSON/);
  });
});
