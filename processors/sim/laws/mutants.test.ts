/** One-line mutants of the rules: a law that lets one of them live is no law. */
import fc from 'fast-check';
import { broadHistory, edgeHistory, eveningHistory } from './histories';
import type { History } from './histories';
import { brokenLaw } from './laws';
import { MUTANTS } from './mutants';
import { loadCore } from './mutated-core';
import type { Mutant } from './mutated-core';

const SEED = 77;
const sample = (histories: fc.Arbitrary<History>, numRuns: number) =>
  fc.sample(histories, { seed: SEED, numRuns });
const broad = sample(broadHistory, 500);
/** What aims at edges, the two kinds by turns. */
const aimed = sample(fc.oneof(edgeHistory, eveningHistory), 1_200);

const catches = (histories: readonly History[], mutant: Mutant | null): string | null => {
  const core = loadCore(mutant);
  for (const [index, history] of histories.entries()) {
    const broken = attempt(() => brokenLaw(core, history));
    if (broken !== null) return `history ${index}: ${broken}`;
  }
  return null;
};

/** A mutant that throws is caught as well. */
function attempt(check: () => string | null): string | null {
  try {
    return check();
  } catch (error) {
    return String(error);
  }
}

test('the core itself, loaded the same way, keeps every law', () => {
  expect(catches([...broad, ...aimed], null)).toBeNull();
});

test.each([...MUTANTS])('is caught: $rule ($file)', ({ only, ...mutant }) => {
  if (only === 'edges') expect(catches(broad, mutant)).toBeNull();
  const caught = catches(only === 'edges' ? aimed : [...broad, ...aimed], mutant);
  if (process.env['RESCORE_SHOW_MUTANTS'] !== undefined) console.info(mutant.rule, caught);
  expect(caught).not.toBeNull();
});
