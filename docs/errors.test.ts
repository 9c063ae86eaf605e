/** docs/errors.md and the code name the same errors: none is missing there, none is left over. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { HTTP_ERRORS } from '../cli/collector/errors';
import { CLI_ERRORS } from '../cli/errors';
import { ARTIFACT_ERRORS } from '../models';

const ROOT = resolve(__dirname, '..');

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && !/\.(test|contract)\.ts$|testing|sim\//.test(name))
    .map(name => readFileSync(join(ROOT, folder, name), 'utf8'));
}

/** Codes of rows, records and stores: given where the fault is found. */
const GIVEN =
  /(?:RowError|DecodeError|EmbeddedError|fault|refuse|refusal|failed)\(\s*(?:'(?:decode|validate|route)',\s*)?'([a-z]+(?:-[a-z]+)+)'/g;
const NAMED = /(?:code: |const code = |code = )'([a-z]+(?:-[a-z]+)+)'/g;

function codesOf(...folders: string[]): Set<string> {
  const codes = new Set<string>();
  for (const source of folders.flatMap(sources))
    for (const pattern of [GIVEN, NAMED]) for (const [, code] of source.matchAll(pattern)) codes.add(code!);
  return codes;
}

const documented = (heading: string): string[] => {
  const text = readFileSync(join(__dirname, 'errors.md'), 'utf8');
  const section = text.split(/^## /m).find(part => part.startsWith(heading));
  return [...(section ?? '').matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, code]) => code!).sort();
};

test('of the command line', () => expect(documented('Command line')).toEqual(Object.keys(CLI_ERRORS).sort()));

test('of the collector', () => expect(documented('Collector')).toEqual(Object.keys(HTTP_ERRORS).sort()));

test('of artifacts', () => expect(documented('Artifacts')).toEqual(Object.keys(ARTIFACT_ERRORS).sort()));

test('of rows, records and stores', () => {
  const elsewhere = new Set([
    ...Object.keys(CLI_ERRORS),
    ...Object.keys(HTTP_ERRORS),
    ...Object.keys(ARTIFACT_ERRORS),
  ]);
  const codes = [...codesOf('processors', 'streams', 'cli')].filter(code => !elsewhere.has(code));
  expect(documented('Rows, records and stores')).toEqual(codes.sort());
});
