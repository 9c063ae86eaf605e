/** A reason of a score as a sentence for a person: direction, what the model speaks about, the feature and its value. */
import type { Reason } from '../../schemas';
import { FEATURE_WORDS, MODEL_WORDS } from './feature-words';

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * For example `Raises the risk of churn: last active 12 days ago.` Measured from the average customer of the training
 * data. `currency` is that of the score. A model or feature of another release is called by its name.
 */
export function reasonSentence({ model, feature, value, contribution }: Reason, currency: string): string {
  const subject = Object.hasOwn(MODEL_WORDS, model) ? MODEL_WORDS[model]! : model;
  if (feature === 'base') return `${capital(subject)} of the average customer is where this starts.`;
  const direction = contribution > 0 ? 'raises' : contribution < 0 ? 'lowers' : 'does not change';
  const words = Object.hasOwn(FEATURE_WORDS, feature) ? FEATURE_WORDS[feature]! : null;
  const fact =
    feature === 'remainder'
      ? 'everything else together'
      : (words?.(value, currency) ?? `${feature} is ${value ?? 'undefined'}`);
  return `${capital(direction)} ${subject}: ${fact}.`;
}
