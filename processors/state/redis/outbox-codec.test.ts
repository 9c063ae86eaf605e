import type { Outbox } from '../../ports';
import { DamagedOutboxError, decodeOutbox, encodeOutbox } from './outbox-codec';

const positions = { 'web-events': 1, orders: 2, customers: 3, 'customer-mail': 4, 'customer-commands': 5 };
const outbox: Outbox = {
  batchNumber: 7,
  epoch: 2,
  from: positions,
  to: { ...positions, orders: 9 },
  mail: [{ to: 'lee', partition: 1, recordAt: 5, value: Buffer.from('mail') }],
  messages: [
    { topic: 'sessions', key: 'kim', id: 'a', headers: { ce_id: 'a' }, value: Buffer.from('body') },
    { topic: 'engagement-scores', key: 'kim', id: 'b', headers: { ce_id: 'b' }, value: null },
  ],
};

test('what is read is what was written', () => expect(decodeOutbox(encodeOutbox(outbox))).toEqual(outbox));

test('what is cut, goes on, or is of another version is refused with the next step', () => {
  const bytes = encodeOutbox(outbox);
  for (let length = 0; length < bytes.length; length++)
    expect(() => decodeOutbox(bytes.subarray(0, length))).toThrow(DamagedOutboxError);
  expect(() => decodeOutbox(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(
    /its head says \d+\. Nothing was changed/,
  );
  expect(() => decodeOutbox(Buffer.concat([Buffer.of(9), bytes.subarray(1)]))).toThrow('It has version 9');
});
