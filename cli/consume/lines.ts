/** One line for a message, as a person reads it. */
import type { Alert, EngagementScore, Session } from '../../schemas';
import { duration, instant, money, share } from '../output/format';
import { printable } from '../output/table';
import type { Consumed, ConsumedTopic } from './consumer';

function scoreLine(score: EngagementScore): string {
  const { customerId, asOf, engagement, churn30d, ltvMinor, currency, segment, cause, epoch, sequence } =
    score;
  return [
    instant(asOf),
    printable(customerId),
    `engagement ${share(engagement)}`,
    `churn ${share(churn30d)}`,
    `worth ${money(ltvMinor, currency)}`,
    segment,
    `by ${cause}`,
    `(${epoch}, ${sequence})`,
  ].join('  ');
}

const alertLine = ({ customerId, kind, state, asOf, sentence }: Alert): string =>
  [instant(asOf), printable(customerId), `${kind} ${state}`, printable(sentence)].join('  ');

function sessionLine({ customerId, startAt, endAt, events, revision, supersedes }: Session): string {
  const instead = supersedes.length > 0 ? [`instead of ${supersedes.length}`] : [];
  return [
    instant(startAt),
    printable(customerId),
    duration(endAt - startAt),
    `${events} event(s)`,
    `revision ${revision}`,
    ...instead,
  ].join('  ');
}

const WITHDRAWN: Readonly<Record<string, string>> = {
  'rescore.erased': 'the customer was erased',
  'rescore.dropped': 'the visitor was silent for so long that nothing is held any more',
  'rescore.recovery': 'the alert is not known any more after writes were lost',
};

export function lineOf({ key, type, body }: Consumed<ConsumedTopic>): string {
  if (body === null) return `${printable(key)}  withdrawn: ${WITHDRAWN[type] ?? printable(type)}`;
  if ('sequence' in body) return scoreLine(body);
  return 'kind' in body ? alertLine(body) : sessionLine(body);
}
