/** Texts in the stored value: what is written is read, in the bytes of UTF-8. */
import fc from 'fast-check';
import { ByteReader, ByteWriter } from './bytes';

const texts = fc.array(fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 })), {
  maxLength: 6,
});

function written(all: readonly string[]): Uint8Array {
  const writer = new ByteWriter();
  for (const text of all) writer.text(text);
  return writer.finish();
}

test('texts of any letters come back, one after another', () =>
  fc.assert(
    fc.property(texts, all => {
      const reader = new ByteReader().open(written(all));
      expect(all.map(() => reader.text())).toEqual(all);
      expect(reader.finished).toBe(true);
    }),
  ));

test('the bytes are those of UTF-8 behind their number', () =>
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), text => {
      const utf8 = new TextEncoder().encode(text);
      expect([...written([text])]).toEqual([utf8.length, ...utf8]);
    }),
  ));

test('an expected text changes nothing, whether it is the one or not', () =>
  fc.assert(
    fc.property(texts, texts, (all, expected) => {
      const reader = new ByteReader().open(written(all));
      expect(all.map((_text, at) => reader.text(expected[at] ?? all[at]))).toEqual(all);
    }),
  ));
