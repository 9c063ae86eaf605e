/** Manifests that were signed stay readable: each file of frozen/ is one of an earlier release, byte for byte. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST } from '../testing/challengers';
import { readManifest, writeManifest } from './manifest';

const FROZEN = join(__dirname, 'frozen');
const manifests = readdirSync(FROZEN);

test.each(manifests)('%s is read, and written again it is the same bytes', file => {
  const text = readFileSync(join(FROZEN, file), 'utf8');
  expect(writeManifest(readManifest(text, file))).toBe(text);
});

test('what a group may have besides is read too', () => {
  const fairness = {
    gender: {
      selectionRatio: 0.9,
      selectionRatioChance: 0.4,
      equalizedOddsDifference: null,
      equalizedOddsChance: null,
      calibrationError: 0.01,
      calibrationErrorChance: 0.5,
      groups: {
        female: {
          rows: 300,
          meanScore: 0.5,
          meanLabel: 0.5,
          selected: 0.2,
          truePositiveRate: 0.4,
          falsePositiveRate: null,
          calibrationError: 0.01,
        },
      },
    },
  };
  const text = writeManifest({ ...MANIFEST, evaluation: { ...MANIFEST.evaluation!, fairness } });
  expect(readManifest(text, 'churn').evaluation!.fairness).toEqual(fairness);
});

test.each([
  ['calibrationError', -0.1, 'evaluation.fairness.gender.calibrationError'],
  ['equalizedOddsDifference', 1.1, 'evaluation.fairness.gender.equalizedOddsDifference'],
  ['oddsRatio', 1, 'evaluation.fairness.gender'],
])('a %s of %d is refused, and named', (field, value, named) => {
  const { gender } = MANIFEST.evaluation!.fairness;
  const fairness = { gender: { ...gender!, [field]: value } };
  const text = writeManifest({ ...MANIFEST, evaluation: { ...MANIFEST.evaluation!, fairness } });
  expect(() => readManifest(text, 'churn')).toThrow(named);
});
