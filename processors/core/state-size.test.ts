import { encodeCustomer } from '.';
import { typicalCustomer } from './testing/typical';

/** Without a ledger of scores: that adds about 60 bytes (bench/results says what each part takes). */
test('a typical customer takes at most 1.5 KB, one ten times as active at most 8 KB', () => {
  expect(encodeCustomer(typicalCustomer(1)).length).toBeLessThanOrEqual(1_536 - 100);
  expect(encodeCustomer(typicalCustomer(10)).length).toBeLessThanOrEqual(8_192 - 100);
});
