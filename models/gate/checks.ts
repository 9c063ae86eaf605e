/** The limits of the gate, and a check with the words that say what it saw. */

export interface GateLimits {
  /** Least customers among the training rows. */
  customers: number;
  /** Least days of history in the archive. */
  historyDays: number;
  /** Least training rows of each class, for models that tell two apart. */
  eachClass: number;
  /** A metric may be worse than the current model's by this share of it. */
  tolerance: number;
  /** The calibration error of a probability must lie below this. */
  calibrationError: number;
  /** One feature alone above these gives the label away. */
  featureAuc: number;
  featureR2: number;
  /** Lowest share of the selected among the groups of an attribute, over the highest: at least this (80 % rule). */
  selectionRatio: number;
  /** Largest difference between groups' rates of selection, among those whose label is high or among the others. */
  equalizedOddsDifference: number;
  /** Of probabilities: the calibration error of every group must lie below this. */
  groupCalibrationError: number;
  /** Groups may differ by more where groups drawn by lot do so in more than this share of draws. */
  fairnessChance: number;
  /** One feature alone that tells a group above this AUC stands for what no model may know. */
  proxyAuc: number;
  /** Most bytes of all files. */
  bytes: number;
  /** Most microseconds a row in the runtime. */
  microsPerRow: number;
}

export interface GateCheck {
  check: keyof GateLimits | 'evaluation' | 'comparison' | 'leak' | 'prohibitedInput';
  state: 'passed' | 'failed' | 'notApplicable';
  /** What was found, and what is asked for. */
  said: string;
}

export const round = (value: number): number => Number(value.toPrecision(4));
export const percent = (share: number): string => `${round(share * 100)} %`;

export const verdict = (check: GateCheck['check'], holds: boolean, said: string): GateCheck => ({
  check,
  state: holds ? 'passed' : 'failed',
  said,
});
export const failed = (check: GateCheck['check'], said: string): GateCheck => verdict(check, false, said);
export const notApplicable = (check: GateCheck['check'], said: string): GateCheck => ({
  check,
  state: 'notApplicable',
  said,
});

// Written so that a number that is none fails.
export const atLeast = (check: keyof GateLimits, found: number, least: number, what: string): GateCheck =>
  verdict(check, found >= least, `${found} ${what}, at least ${least} are needed`);
export const atMost = (check: keyof GateLimits, found: number, most: number, what: string): GateCheck =>
  verdict(check, found <= most, `${found} ${what}, at most ${most} are allowed`);
