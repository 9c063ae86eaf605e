import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { DAY_MS, MINUTE_MS } from '../../schemas';
import { newCustomer } from './facts';
import type { Customer } from './facts';
import { evaluate, fold } from './fold';
import { hash64, hashHex } from './hash';
import { interpret } from './interpret';
import { normalForm } from './normal-form';
import { DEFAULT_SETTINGS } from './settings';
import { CorruptStateError, decodeCustomer, encodeCustomer } from './stored';
import { CONSTANTS, NO_CLOCKS, activity, order, tick } from './testing/inputs';
import { typicalCustomer } from './testing/typical';
import { VECTOR_WIDTH, toVector } from './vector';
import { activeDaysOf } from './weeks';

const T0 = Date.UTC(2026, 0, 10, 12);

/** Something in every part of the stored value. */
function everything(): Customer {
  const customer = newCustomer('c1');
  const base = {
    customerId: 'c1',
    mailedFrom: null,
    recordAt: T0,
    source: { topic: 'customers', partition: 0, offset: 1, index: 0 },
  } as const;
  const inputs = [
    activity(T0 - 40 * DAY_MS, { messageId: 'old', recordAt: T0 }),
    activity(T0, { messageId: 'a', page: '/entry', mobile: true }),
    activity(T0 + MINUTE_MS, { messageId: 'b', name: 'Post Created', sentimentMillionths: -250_000 }),
    activity(T0 + 2 * MINUTE_MS, { messageId: 'c', name: 'User Unfollowed' }),
    order(T0, { messageId: 'd', orderId: 'o1', amountMinor: 5_000_000_000 }),
    order(T0 + 5, { messageId: 'e', orderId: 'o1', action: 'refunded', amountMinor: 700 }),
    order(T0 + 9, { messageId: 'f', orderId: 'o2', action: 'cancelled', amountMinor: null }),
    { ...base, kind: 'attributes', computedAt: T0, networkCentrality: 0.25, avgConnectionStrength: null },
    { ...base, kind: 'received', name: 'Gig Rated', eventAt: T0, ratingHundredths: 450 },
    {
      ...base,
      kind: 'profile',
      messageId: 'g',
      eventAt: T0,
      clockAhead: false,
      anonymousId: 'visitor-ü-1',
      fields: {
        createdAt: T0 - 400 * DAY_MS,
        accountType: 'premium',
        location: 'urban',
        profileCompleteness: 80.5,
        skills: 4,
        ageBand: '30-39',
        gender: null,
      },
    },
    tick(T0 + DAY_MS),
  ] as const;
  for (const input of inputs) fold(customer, input, NO_CLOCKS, DEFAULT_SETTINGS, []);
  const position = {
    partition: 0,
    'web-events': 1,
    orders: 0,
    customers: 0,
    'customer-commands': 0,
    'customer-mail': 0,
  };
  const row = new Float32Array(VECTOR_WIDTH);
  const evaluation = evaluate(customer, customer.facts.clock, 'tick', row, 0);
  interpret(
    { engagement: 0.25, churn: 0.75, ltv: 12.5 },
    evaluation,
    customer.ledger,
    CONSTANTS,
    DEFAULT_SETTINGS,
    {
      epoch: 2,
      position,
    },
  );
  return customer;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('what is read is what was written', () => {
  const customer = everything();
  const bytes = encodeCustomer(customer);
  const read = decodeCustomer('c1', bytes);
  expect(normalForm(read.facts, customer.facts.clock, NO_CLOCKS)).toBe(
    normalForm(customer.facts, customer.facts.clock, NO_CLOCKS),
  );
  expect(read.ledger).toEqual(customer.ledger);
  expect(hex(encodeCustomer(read))).toBe(hex(bytes));
  expect(Buffer.from(toVector(read.facts, T0 + 9 * DAY_MS).buffer)).toEqual(
    Buffer.from(toVector(customer.facts, T0 + 9 * DAY_MS).buffer),
  );
});

test('a newcomer is stored and read', () =>
  expect(decodeCustomer('n', encodeCustomer(newCustomer('n'))).facts.clock).toBe(-Infinity));

const frozen = (name: string): string => readFileSync(path.join(__dirname, 'frozen', name), 'utf8').trim();

test.each(['customer-v1.hex', 'customer-v2.hex', 'customer-v3.hex'])(
  'the frozen sample %s is read for ever',
  name => {
    const customer = decodeCustomer('c1', Buffer.from(frozen(name), 'hex'));
    // Weeks of the first two are those of their days, which here are all.
    expect(hex(encodeCustomer(customer))).toBe(frozen('customer-v3.hex'));
    expect(customer.facts.profile.anonymousId?.value).toBe('visitor-ü-1');
    expect(customer.ledger).toMatchObject({ epoch: 2, sequence: 1, published: { churn30d: 0.75 } });
    expect(customer.facts.days.rows).toBe(2);
    expect(activeDaysOf(customer.facts).map(day => day * DAY_MS)).toEqual([
      Date.UTC(2025, 11, 1),
      Date.UTC(2026, 0, 10),
    ]);
  },
);

test('every truncation and every version but ours is refused, never misread', () => {
  for (const bytes of [encodeCustomer(everything()), Buffer.from(frozen('customer-v1.hex'), 'hex')])
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeCustomer('c1', bytes.subarray(0, length))).toThrow(CorruptStateError);
  const bytes = encodeCustomer(everything());
  const first = Buffer.from(frozen('customer-v1.hex'), 'hex');
  expect(() => decodeCustomer('c1', Uint8Array.from([...bytes, 0]))).toThrow('checksum is wrong');
  expect(() => decodeCustomer('c1', Uint8Array.from([...first, 0]))).toThrow('goes on after its end');
  expect(() => decodeCustomer('c1', Uint8Array.from([9, ...bytes.subarray(1)]))).toThrow('has version 9');
});

describe('damage', () => {
  const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
    const damaged = Uint8Array.from(bytes);
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    return damaged;
  };

  test('any flipped bit is found, and any burst of up to 32 bits', () => {
    const values = [newCustomer('n'), everything(), typicalCustomer(1)].map(encodeCustomer);
    for (const bytes of values.slice(0, 2))
      for (let bit = 0; bit < bytes.length * 8; bit++)
        expect(() => decodeCustomer('c1', flipped(bytes, bit))).toThrow(CorruptStateError);
    const burst = fc.record({
      bytes: fc.constantFrom(...values),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      bits: fc.uniqueArray(fc.integer({ min: 0, max: 31 }), { minLength: 1 }),
    });
    fc.assert(
      fc.property(burst, ({ bytes, at, bits }) => {
        const from = Math.floor(at * (bytes.length * 8 - 32));
        const damaged = bits.reduce((held, bit) => flipped(held, from + bit), bytes);
        expect(() => decodeCustomer('c1', damaged)).toThrow(CorruptStateError);
      }),
      { numRuns: 500 },
    );
  });

  test('without a checksum it may be read, or is refused in the same words: never another error', () => {
    const bytes = Buffer.from(frozen('customer-v1.hex'), 'hex');
    const refused = [];
    for (let bit = 0; bit < bytes.length * 8; bit++)
      try {
        decodeCustomer('c1', flipped(bytes, bit));
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptStateError);
        refused.push(error);
      }
    expect(refused.length).toBeGreaterThan(0);
  });

  test('it is said whose value it is, under a pseudonym, and what to do', () => {
    const { message } = errorOf(() => decodeCustomer('kim', flipped(encodeCustomer(everything()), 99)));
    expect(message).toBe(
      `The stored value of customer #${hashHex(hash64('kim'))} can't be read: Its checksum is wrong. Restore the state from a backup, or rebuild it from the archive.`,
    );
  });
});

function errorOf(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('Nothing was thrown.');
}
