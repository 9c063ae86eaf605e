import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { codeDigest } from './code-digest';

const root = mkdtempSync(join(tmpdir(), 'rescore-digest-'));
afterAll(() => rmSync(root, { recursive: true }));
const write = (file: string, text: string): void => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
};
const digest = (at: string): string => codeDigest(join(root, at, 'dist'), join(root, at, 'project'));
const copyTo = (at: string): void => cpSync(join(root, 'one'), join(root, at), { recursive: true });

write('one/dist/processors/core/fold.js', 'one');
write('one/dist/streams/avro/codec.js', 'two');
write('one/project/schemas/avro/orders.avsc', '{}');
const before = digest('one');

test('the same code gives the same digest, wherever it lies', () => {
  copyTo('copy');
  expect(digest('copy')).toBe(before);
});

test.each([
  ['dist/processors/core/fold.js', 'other'],
  ['dist/backfill/dataset/new.js', ''],
  ['project/schemas/avro/orders.avsc', '{"type":"record"}'],
])('%s is a part of it', (file, text) => {
  const changed = join('changed', file);
  copyTo(changed);
  write(join(changed, file), text);
  expect(digest(changed)).not.toBe(before);
});

test.each(['dist/backfill/trainer/x.js', 'dist/processors/core/fold.test.js', 'dist/processors/notes.md'])(
  '%s is none of it',
  file => {
    write(join('one', file), 'x');
    expect(digest('one')).toBe(before);
  },
);
