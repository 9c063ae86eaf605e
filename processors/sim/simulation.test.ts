/**
 * 300 seeds of the simulation, its determinism, and for every invariant a planted bug that it must notice. The seeds
 * run in the compiled program, as `make sim` runs them: only there a rejection that nobody handles can be seen.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { INVARIANTS } from './invariants';
import { FURTHER_BUGS, PLANTED_BUGS } from './planted-bugs';
import { simulate } from './simulate';

const PROGRAM = path.resolve(__dirname, '../../dist/processors/sim/main.js');
const SEEDS = Number(process.env['RESCORE_SIM_SEEDS'] ?? 300);

function run(...argv: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [PROGRAM, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => (output += text.toString()));
    child.on('close', code => resolve({ code, output }));
  });
}

test('one seed twice is the same run, turn by turn and message by message', async () => {
  for (const seed of [1, 7, 49]) {
    const [first, second] = [await simulate(seed), await simulate(seed)];
    expect(first.violations).toEqual([]);
    expect(second).toEqual(first);
    expect((await simulate(seed + 1)).trace).not.toBe(first.trace);
  }
});

test(`${SEEDS} seeds keep every invariant`, async () => {
  expect(existsSync(PROGRAM)).toBe(true); // `make test` builds first
  const halves = [
    run('--from', '0', '--seeds', String(Math.ceil(SEEDS / 2))),
    run('--from', String(Math.ceil(SEEDS / 2)), '--seeds', String(Math.floor(SEEDS / 2))),
  ];
  for (const { code, output } of await Promise.all(halves))
    expect({ code, output }).toMatchObject({ code: 0 });
});

describe('a planted bug is noticed', () => {
  test('there is one for each invariant', () => {
    expect(Object.keys(PLANTED_BUGS).sort()).toEqual(Object.keys(INVARIANTS).sort());
  });

  const bugs = Object.entries(PLANTED_BUGS).map(([invariant, bug]) => ({ invariant, ...bug }));
  test.each([...bugs, ...FURTHER_BUGS])('$invariant: $rule', async ({ invariant, mutations, from = 0 }) => {
    const found: string[] = [];
    for (let seed = from; seed < from + 40 && !found.some(is(invariant)); seed++)
      found.push(...(await simulate(seed, mutations)).violations);
    expect(found.filter(is(invariant)).length).toBeGreaterThan(0);
  });
});

const is = (invariant: string) => (violation: string) => violation.startsWith(`${invariant}:`);
