/** Settings of models that change while lanes work: publishing, following the registry, trials, shadows, rescoring. */
import { choice, integer, number } from './field';

export const LIVE_MODEL_FIELDS = {
  'models.publishAs': choice(['current', 'shadow'], {
    unit: 'place',
    default: 'current',
    about:
      'What `rescore backfill publish` makes of a model that the gate lets through; shadow: beside the one that scores.',
  }),
  'models.pollSeconds': number(0, 86_400, {
    unit: 'seconds',
    default: 30,
    about: 'How often a running processor looks for another current version; 0: only when it starts.',
  }),
  'models.trialMinutes': number(0, 10_080, {
    unit: 'minutes',
    default: 15,
    about: 'After this long on trial a tenth of models.trialRows is enough to judge a version; 0: no trials.',
  }),
  'models.trialRows': integer(100, 100_000, {
    unit: 'rows',
    default: 2_000,
    about: 'Rows that both versions answer before they are compared; the comparison ends the trial early.',
  }),
  'models.trialMicrosPerRow': number(0.1, 1_000_000, {
    unit: 'µs',
    default: 200,
    about: 'A version on trial that takes longer for a row is rolled back; a shadow that does is put off.',
  }),
  'models.trialDifference': number(0, 1_000, {
    unit: 'score, or share of the amount',
    default: 0.15,
    about: 'A version on trial whose answers differ from those before by more, on average, is rolled back.',
  }),
  'models.trialOrder': number(-1, 1, {
    unit: 'rank correlation',
    default: 0.5,
    about:
      'A version on trial that puts the same customers in another order than this allows is rolled back.',
  }),
  'models.rollback': choice(['process', 'registry'], {
    unit: 'place',
    default: 'process',
    about:
      'registry: a rollback moves the pointer back for everybody (needs the right to write); process: here only.',
  }),
  'models.shadowDifference': number(0, 1_000, {
    unit: 'score, or share of the amount',
    default: 0.05,
    about: 'Answers of a shadow that differ from the current model by more are counted apart.',
  }),
  'models.rescorePerSecond': integer(0, 100_000, {
    unit: 'customers per second and lane',
    default: 50,
    about: 'How fast everybody is rescored after new models have passed their trial; 0: as they come.',
  }),
};
