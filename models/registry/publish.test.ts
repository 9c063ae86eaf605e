/** @jest-environment ./models/testing/onnx-environment.js */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openScorer } from '..';
import { NORMALISATION, emptyRegistry, publishTiny, tinyModel } from '../testing/artifacts';
import type { TestRegistry } from '../testing/artifacts';
import { externalTensor } from '../testing/tiny-onnx';

let directory: string;
let place: TestRegistry;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rescore-publish-'));
  place = emptyRegistry(directory);
  for (const name of ['engagement', 'churn', 'ltv']) await publishTiny(place, name);
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a set of models must be complete and carry constants that agree', async () => {
  await expect(openScorer({ ...place, names: ['churn', 'ltv'] })).rejects.toMatchObject({
    code: 'models-incomplete',
    reason: 'the models are churn, ltv; one each of engagement, churn, ltv is needed',
  });
  await expect(openScorer({ ...place, names: ['../churn'] })).rejects.toMatchObject({
    code: 'name-malformed',
  });
  const other = emptyRegistry(mkdtempSync(join(directory, 'none-')));
  for (const name of ['engagement', 'churn', 'ltv'])
    await publishTiny(other, name, undefined, { normalisation: null });
  await expect(openScorer(other)).rejects.toMatchObject({ code: 'constants-missing' });
  const two = emptyRegistry(mkdtempSync(join(directory, 'two-')));
  await publishTiny(two, 'engagement');
  await publishTiny(two, 'churn', undefined, { normalisation: { ...NORMALISATION, vipLtvMinor: 1 } });
  await publishTiny(two, 'ltv');
  await expect(openScorer(two)).rejects.toMatchObject({ code: 'constants-conflict' });
});

test('a version never changes, and what is refused moves no pointer and leaves nothing behind', async () => {
  const before = readFileSync(join(directory, 'churn/current.json'), 'utf8');
  await publishTiny(place, 'churn');
  await expect(publishTiny(place, 'churn', undefined, { seed: 2 })).rejects.toMatchObject({
    code: 'version-exists',
  });
  const outside = tinyModel(true, { graphExtra: externalTensor('weights.bin') });
  await expect(publishTiny(place, 'churn', outside)).rejects.toMatchObject({ code: 'onnx-external-data' });
  expect(readFileSync(join(directory, 'churn/current.json'), 'utf8')).toBe(before);
  expect(readdirSync(join(directory, 'churn'))).toHaveLength(2);
});
