/** What can be wrong with a model, each made of a training; and one with which nothing is wrong. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Candidate } from '../../backfill/pipeline/candidate';
import { versionOf } from '../../models/registry/publish';
import { newSigningKey } from '../../models/signing';
import type { SigningKey } from '../../models/signing';
import type { Refusal, Trainings } from './trainings';

export interface Case {
  what: string;
  /** A refusal: it never became a model. */
  made: Candidate | Refusal;
  /** Signs it. */
  key: SigningKey;
}

/** Of seed 1, the model that scores is made; champions in this folder are what candidates are compared with. */
export async function casesOf(trainings: Trainings, champions: string, key: SigningKey): Promise<Case[]> {
  const trained = (dataset: string): Promise<Candidate | Refusal> => trainings.train(dataset, 2, champions);
  const good = (await trained('good')) as Candidate;
  const graphs = trainings.spoil('good', 2);
  const graph = (name: string): Candidate => ({
    draft: good.draft,
    files: { ...good.files, 'model.onnx': readFileSync(join(graphs, `${name}.onnx`)) },
  });
  const layout = { ...good.draft.layout, fingerprint: '0'.repeat(64) };
  const cases: Omit<Case, 'key'>[] = [
    { what: GOOD, made: good },
    { what: 'inverted in the training rows', made: await trained('inverted-training') },
    { what: 'inverted everywhere, so that the hold-out agrees', made: await trained('inverted') },
    { what: 'uncalibrated: trained on balanced classes', made: await trained('by-class') },
    { what: 'a leak in the vectors', made: trainings.leakInVectors ?? good },
    { what: 'a leak in the file', made: await trained('leak') },
    { what: 'slow', made: graph('slow') },
    { what: 'NaN in the leaf that most rows reach', made: graph('nan') },
    { what: 'NaN in a leaf that no golden vector reaches', made: graph('hidden-nan') },
    { what: 'another layout', made: { ...good, draft: { ...good.draft, layout } } },
    { what: 'signed with another key', made: good },
  ];
  return cases.map(({ what, made }, number) => ({
    what,
    made: 'draft' in made ? renamed(made, number) : made,
    key: what.includes('another key') ? newSigningKey() : key,
  }));
}

export const GOOD = 'nothing is wrong: another seed';

/** Under a version of its own, a second later each, also where two have the same graph. */
function renamed({ draft, files }: Candidate, number: number): Candidate {
  const endAt = Date.parse(draft.trainingRange.archiveEnd) + 1_000 * (number + 1);
  return { draft: { ...draft, version: versionOf(endAt, files['model.onnx']) }, files };
}
