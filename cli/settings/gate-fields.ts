/** Settings of the gate: what a model must keep to before it may score (docs/models.md, "The gate"). */
import { integer, number } from './field';

const MILLION = 1_000_000;

export const GATE_FIELDS = {
  'gate.customers': integer(1, MILLION, {
    unit: 'customers',
    default: 500,
    about: 'The gate refuses a model that learned from fewer customers.',
  }),
  'gate.historyDays': integer(1, 36_500, {
    unit: 'days',
    default: 180,
    about: 'The gate refuses a model of a shorter archive.',
  }),
  'gate.eachClass': integer(1, MILLION, {
    unit: 'rows',
    default: 50,
    about: 'The gate refuses a model that saw fewer rows of a class.',
  }),
  'gate.tolerance': number(0, 1, {
    unit: 'share',
    default: 0.01,
    about:
      "The gate refuses a model whose metrics are worse than the current model's, on the same hold-out, by more.",
  }),
  'gate.calibrationError': number(0, 1, {
    unit: 'probability',
    default: 0.05,
    about: 'The gate refuses a model whose calibration error does not lie below this.',
  }),
  'gate.featureAuc': number(0.5, 1, {
    unit: 'AUC',
    default: 0.98,
    about: 'The gate takes a feature that alone exceeds this for a leak of a class.',
  }),
  'gate.featureR2': number(0, 1, {
    unit: 'R2',
    default: 0.95,
    about: 'The gate takes a feature that alone exceeds this for a leak of an amount.',
  }),
  'gate.selectionRatio': number(0, 1, {
    unit: 'ratio',
    default: 0.8,
    about: 'The gate refuses a model that selects a group less often than this share of another (80 % rule).',
  }),
  'gate.equalizedOddsDifference': number(0, 1, {
    unit: 'share',
    default: 0.1,
    about:
      'The gate refuses a model that selects groups of customers with the same label at rates further apart.',
  }),
  'gate.groupCalibrationError': number(0, 1, {
    unit: 'probability',
    default: 0.05,
    about: 'The gate refuses a model whose calibration error does not lie below this in every group.',
  }),
  'gate.fairnessChance': number(0.001, 1, {
    unit: 'share of draws',
    default: 0.01,
    about:
      'Groups may pass the limits of fairness where groups drawn by lot do so more often; 1: chance excuses nothing.',
  }),
  'gate.proxyAuc': number(0.5, 1, {
    unit: 'AUC',
    default: 0.9,
    about: 'The gate refuses a model with an input that alone tells a group of the profile above this.',
  }),
  'gate.megabytes': number(0.01, 30, {
    unit: 'MB',
    default: 8,
    about: 'The gate refuses a model whose files are larger together.',
  }),
  'gate.microsPerRow': number(0.1, 10_000, {
    unit: 'µs',
    default: 50,
    about: 'The gate refuses a model that takes longer for a row, in full batches on one thread.',
  }),
};
