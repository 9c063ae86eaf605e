import { PassThrough } from 'node:stream';
import { DAY_MS, HOUR_MS } from '../../schemas';
import type { Io } from '../io';
import { bytes, count, duration, instant, money } from './format';
import { asJson } from './json';
import { progressOf } from './progress';
import { coloursFor } from './style';
import { printable, renderTable } from './table';

describe('numbers and instants for people', () => {
  it('money is exact to the minor unit, also far above 2^31 and below a unit', () => {
    expect(money(250_031_563, 'USD')).toBe('2,500,315.63 USD');
    expect(money(5, 'EUR')).toBe('0.05 EUR');
    expect(money(-1_205, 'EUR')).toBe('-12.05 EUR');
    expect(money(1_205, 'JPY')).toBe('1,205 JPY');
    expect(money(9_007_199_254_740_991, 'USD')).toBe('90,071,992,547,409.91 USD');
  });

  it('the rest', () => {
    expect(count(1_234_567.4)).toBe('1,234,567');
    expect(instant(Date.UTC(2020, 0, 2))).toBe('2020-01-02T00:00:00Z');
    expect(instant(1)).toBe('1970-01-01T00:00:00.001Z');
    expect([instant(null), instant(Infinity)]).toEqual(['never', 'never']);
    expect([
      duration(12),
      duration(1_500),
      duration(61_000),
      duration(25 * HOUR_MS),
      duration(2 * DAY_MS),
    ]).toEqual(['12 ms', '1.5 s', '1 min 1 s', '1 d 1 h', '2 d 0 h']);
    expect([bytes(12), bytes(1_536), bytes(3 * 1_048_576)]).toEqual(['12 B', '1.50 KB', '3.0 MB']);
  });
});

describe('tables', () => {
  const columns = [{ title: 'name' }, { title: 'n', right: true }];
  const rows = [
    ['a', '1'],
    ['bb', '200'],
  ];

  it('are aligned text without lines or colours away from a terminal', () => {
    expect(renderTable(columns, rows, coloursFor(false, {}))).toBe('name    n\na       1\nbb    200\n');
  });

  it('have lines and colours on one, unless it asks for none', () => {
    expect(renderTable(columns, rows, coloursFor(true, {}))).toContain('┌');
    expect(renderTable(columns, rows, coloursFor(true, {}))).toContain('\u001b[1m');
    expect(renderTable(columns, rows, coloursFor(true, { NO_COLOR: '1' }))).not.toContain('\u001b');
  });

  it('ids from outside cannot drive the terminal', () => {
    expect(printable('a\u001b[2Jb\u202ec')).toBe('a\\u001b[2Jb\\u202ec');
  });
});

describe('progress', () => {
  it('is a line every ten percent away from a terminal', () => {
    const stderr = new PassThrough();
    const io = { terminal: false, stderr, clock: { now: () => 0 } } as unknown as Io;
    const progress = progressOf(io, 'Folding', 1_000, 'rows');
    for (let done = 0; done <= 1_000; done += 50) progress.update(done);
    progress.finish();
    const lines = (stderr.read() as Buffer).toString().trim().split('\n');
    expect(lines).toHaveLength(10);
    expect(lines[4]).toBe('Folding: 50 %, 500 of 1,000 rows, 0 ms');
  });
});

describe('outputs as JSON', () => {
  it('bytes are text where they are text, base64 where not; no infinite number is left', () => {
    const value = asJson({
      text: Buffer.from('né'),
      bytes: new Uint8Array([0xff, 0xfe]),
      never: Infinity,
      none: NaN,
    });
    expect(JSON.parse(JSON.stringify(value))).toEqual({
      text: 'né',
      bytes: { base64: '//4=' },
      never: null,
      none: null,
    });
  });
});
