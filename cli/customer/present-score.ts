/** What GET /scores/:customer answers: the newest values of the ledger, why, the alerts in force, and until when it holds. */
import { modelsKey, toVector, validUntil, type Customer } from '../../processors/core';
import type { Scorer } from '../../processors/ports';
import { NEVER } from '../../schemas';
import { instant } from '../output/format';
import { reasonsAsJson } from '../output/json';
import { ledgerAsJson } from './portrait';

/** Null: never scored. */
export async function presentScore(
  customer: Customer,
  scorer: Scorer,
  currency: string,
): Promise<object | null> {
  if (customer.ledger.newest === null) return null;
  const { newest, alerts, epoch, sequence } = ledgerAsJson(customer) as Record<string, object>;
  const until = validUntil(customer.facts, customer.ledger.newest.asOf);
  const validThrough = until === NEVER ? null : instant(until);
  const reasons = await reasonsOf(customer, scorer, currency);
  return {
    customerId: customer.id,
    ...newest,
    currency,
    reasons,
    validUntil: validThrough,
    epoch,
    sequence,
    alerts,
  };
}

/**
 * As in the published score: the facts are those of the last evaluation, so its vector is made again from them. Empty
 * when other models score by now (theirs would be reasons for another answer) and where models give none.
 */
async function reasonsOf({ facts, ledger }: Customer, scorer: Scorer, currency: string): Promise<object[]> {
  const { asOf, models } = ledger.newest!;
  if (scorer.explain === undefined || modelsKey(scorer.constants) !== models) return [];
  const [reasons = []] = await scorer.explain(toVector(facts, asOf), [0]);
  return reasonsAsJson(reasons, currency);
}
