import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HtmlValidate } from 'html-validate';
import { readPdf } from '../testing/pdf-reader';
import { runFiles, writeRunFolder } from '../testing/run-folder';
import { reportOf } from './content';
import { count, day, figure, minute, percent, seconds } from './figures';
import { readRunFiles } from './files';
import { escaped } from './markup';
import { pageOf } from './page';
import { ReportError, writeReport } from '.';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'rescore-report-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function page(changed: Record<string, unknown> = {}): string {
  writeRunFolder(directory, changed);
  return pageOf(reportOf(readRunFiles(directory)));
}

const inFolder = (name: string): Buffer => readFileSync(join(directory, name));
const spaceless = (text: string): string => text.replace(/\s+/g, '');
/** As a reader sees it. */
const textOf = (html: string): string =>
  html
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ');

/** What a browser would pass over in silence. */
function problemsOf(html: string): string[] {
  const validate = new HtmlValidate({
    extends: ['html-validate:standard', 'html-validate:document'],
    rules: { 'long-title': 'off' },
  });
  return validate
    .validateStringSync(html)
    .results.flatMap(({ messages }) =>
      messages.map(({ line, column, message, ruleId }) => `${line}:${column} ${ruleId}: ${message}`),
    );
}

const NOTHING = Object.fromEntries(Object.keys(runFiles()).map(name => [name, undefined]));
const HOSTILE = `</td><script>alert("1")</script> & 'Zoë' ${'x'.repeat(80)}`;

/** The files with a hostile name in place of some of theirs. */
const hostileFiles = (): Record<string, unknown> =>
  JSON.parse(
    ['sessions_last_7_days', 'female', 'the archive of a shop', 'the gate refused it', 'recency'].reduce(
      (text, name) => text.replaceAll(`"${name}"`, JSON.stringify(HOSTILE)),
      JSON.stringify(runFiles()),
    ),
  ) as Record<string, unknown>;

describe('the page', () => {
  it('is valid HTML that needs nothing from elsewhere', () => {
    const html = page();
    expect(problemsOf(html)).toEqual([]);
    expect(html).not.toMatch(/<(script|link|iframe|img|object|base)\b|@import|url\(/);
    // The namespace of SVG is a name, no address that anybody asks.
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|\/\//);
  });

  it('has the figures of every section', () => {
    const text = textOf(page());
    for (const said of [
      '1,204,551',
      'AUC 0.979 (0.976 to 0.982)',
      '132.7 (128.6 to 136.8)',
      'lastValue',
      'ageBand: the least selected group is selected 0.7719 times as often; at least 0.8 is asked',
      '20260501T000000Z-c51f9d1d',
      'sessions_last_7_days',
      '0.341',
      'lowest share of selected over highest 0.772 (0.660 to 0.890), which breaks the 80 % rule',
      'Equalized odds difference: 0.021 (0.004 to 0.061), by lot in 43.1 % of draws',
      'Calibration error of the worst group: 0.017, by lot in 28.7 % of draws',
      'notArchived: 112',
      'replay, 2 items 2 min 32 s records 1,204,551',
      'scores-differ: differing 1',
    ])
      expect(text).toContain(said);
  });

  it('has no figure that comes from nowhere', () => {
    const html = page().replace(/<svg.*?<\/svg>/gs, '');
    const cells = [...html.matchAll(/<(td|dd)\b[^>]*>(.*?)<\/\1>/gs)].map(([, , cell]) => textOf(cell!));
    const known = knownFigures(runFiles());
    const tokens = cells.flatMap(cell => cell.match(/\d[\d,]*(\.\d+)?/g) ?? []);
    expect(tokens.length).toBeGreaterThan(300);
    expect(tokens.filter(token => !known.has(token))).toEqual([]);
  });

  it('escapes names, wherever they come from', () => {
    const html = page(hostileFiles());
    expect(html).not.toContain('<script>');
    expect(problemsOf(html)).toEqual([]);
    expect(textOf(html)).toContain(HOSTILE);
  });

  it('has no control characters, in HTML or in SVG', () =>
    expect(escaped('a\u0000b\u001b[31mc\nd')).toBe('a\ufffdb\ufffd[31mc\nd'));
});

/** Digits of every way in which a number of the files may be written. */
function knownFigures(files: Record<string, unknown>): Set<string> {
  // Of the items of replay their sums, and how many they are.
  const numbers: number[] = [101.9 + 50, 1_204_000 + 551, 2];
  const texts: string[] = [];
  JSON.stringify(files, (_, value: unknown) => {
    if (typeof value === 'number') numbers.push(value);
    if (typeof value === 'string') texts.push(value);
    if (Array.isArray(value)) numbers.push(value.length);
    return value;
  });
  const dates = texts.map(text => Date.parse(text)).filter(Number.isFinite);
  const written = [
    ...numbers.flatMap(value => [count(value), figure(value), percent(value), seconds(value)]),
    ...[...numbers.filter(value => value > 1e11 && value < 1e13), ...dates].flatMap(at => [
      day(at),
      minute(at),
    ]),
    ...texts,
    ...texts.filter(text => text.length === 64).map(text => text.slice(0, 16)),
    ...Object.keys(files).flatMap(name => Object.keys(files[name] as object)),
    ...JSON.stringify(files).matchAll(/"([^"]+)":/g),
  ].flat();
  return new Set(written.flatMap(text => text.match(/\d[\d,]*(\.\d+)?/g) ?? []));
}

test('times, also where seconds round up to a minute', () => {
  expect([3.14159, 59.9, 60, 119.7, 152.4].map(seconds)).toEqual([
    '3.1 s',
    '59.9 s',
    '1 min 00 s',
    '2 min 00 s',
    '2 min 32 s',
  ]);
});

describe('the PDF', () => {
  it('says what the page says, and is dated by the run and not by today', async () => {
    const html = page();
    await writeReport(directory);
    expect(inFolder('report.html').toString()).toBe(html);
    const { pages, text, info } = readPdf(join(directory, 'report.pdf'));
    expect(info).toMatchObject({ Title: 'Nightly run, 2026-05-01', CreationDate: 'D:20260501000000Z' });
    expect(pages).toBeGreaterThan(4);
    const parts = [...html.matchAll(/<(td|th|dd|dt|li|p|h2|h3|caption)\b[^>]*>(.*?)<\/\1>/gs)];
    expect(parts.length).toBeGreaterThan(400);
    const missing = parts.map(([, , part]) => spaceless(textOf(part!))).filter(part => !text.includes(part));
    expect(missing).toEqual([]);
  });

  it('is the same bytes again for the same files', async () => {
    writeRunFolder(directory);
    await writeReport(directory);
    const [html, pdf] = [inFolder('report.html'), inFolder('report.pdf')];
    await writeReport(directory);
    expect(inFolder('report.html').equals(html)).toBe(true);
    expect(inFolder('report.pdf').equals(pdf)).toBe(true);
  });

  it('shows hostile names as they are', async () => {
    writeRunFolder(directory, hostileFiles());
    await writeReport(directory);
    const { text } = readPdf(join(directory, 'report.pdf'));
    expect(text).toContain(spaceless(`<script>alert("1")</script> & 'Zoë'`));
  });
});

describe('a run that is not over', () => {
  it('has a section for every step that says which one is missing', async () => {
    const html = page(NOTHING);
    expect(problemsOf(html)).toEqual([]);
    for (const [file, step] of [
      ['plan.json', 'plan'],
      ['dataset.json', 'dataset'],
      ['trained/MODEL/report.json', 'train'],
      ['gate.json', 'gate'],
      ['publish.json', 'publish'],
      ['drift.json', 'drift'],
      ['consistency.json', 'consistency'],
      ['steps', 'run'],
    ])
      expect(textOf(html)).toContain(
        `${file} is not in this run folder: rescore backfill ${step} writes it.`,
      );
    const { files } = await writeReport(directory);
    expect(files.map(({ name }) => name)).toEqual(['report.html', 'report.pdf']);
  });

  it.each(Object.keys(runFiles()))('has a page without %s', name =>
    expect(problemsOf(page({ [name]: undefined }))).toEqual([]),
  );
});

describe('a file that is not what its step writes', () => {
  const thrown = (work: () => unknown): unknown => {
    try {
      return work();
    } catch (error) {
      return error;
    }
  };

  it('is an error that names file and field', () => {
    const error = thrown(() => page({ 'gate.json': { models: [{ name: 'churn', version: 7 }] } }));
    expect(error).toBeInstanceOf(ReportError);
    expect(error).toMatchObject({ code: 'run-damaged' });
    expect(String(error)).toContain(join(directory, 'gate.json'));
    expect(String(error)).toContain('models.0.version');
  });

  it('is an error when it is not JSON', () =>
    expect(thrown(() => page({ 'drift.json': '{"models":' }))).toMatchObject({ code: 'run-damaged' }));

  it('is an error when the folder is not there', () =>
    expect(writeReport(join(directory, 'nowhere'))).rejects.toMatchObject({ code: 'run-missing' }));
});
