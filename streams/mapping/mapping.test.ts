import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DAY_MS, HOUR_MS } from '../../schemas';
import type { FileRow } from '.';
import { MappingError, loadMapping, openReader, parseMapping, shippedMappings } from '.';

const folder = mkdtempSync(path.join(tmpdir(), 'rescore-mapping-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function rows(text: string, name: string | null): Promise<FileRow[]> {
  const file = path.join(folder, 'rows.txt');
  writeFileSync(file, text);
  const found: FileRow[] = [];
  for await (const row of openReader({ file, mapping: name === null ? null : loadMapping(name) }))
    found.push(row);
  return found;
}
const readings = async (text: string, name: string) => (await rows(text, name)).map(({ reading }) => reading);

test('the shipped mappings are valid and are seven', () =>
  expect(shippedMappings().map(({ name }) => name)).toEqual([
    'cdnow',
    'engagement-intelligence',
    'ga4',
    'rees46',
    'retailrocket',
    'snowplow',
    'taobao',
  ]));

describe('shipped mappings', () => {
  test('cdnow: an order at noon UTC of its day, exact cents, the row as id; a header is left out', async () => {
    const [first, ...rest] = await readings(
      ' customer_id date number_of_cds dollar_value\n 00001 19970101  1   11.77\n',
      'cdnow',
    );
    expect(rest).toEqual([]);
    expect(first).toMatchObject({
      ok: true,
      topic: 'orders',
      key: '00001',
      recordAt: Date.UTC(1997, 0, 1, 12),
      value: {
        kind: 'completed',
        messageId: 'rows.txt:2',
        order: { orderId: 'rows.txt:2', revenueMinor: 1177 },
      },
    });
  });
  test('rees46: views and carts are events, purchases are orders', async () => {
    const header =
      'event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n';
    const text = `${header}2019-10-01 00:00:00 UTC,view,1,2,a.b,acme,35.79,54,s-1\n2019-10-01 00:00:01 UTC,purchase,1,2,a.b,acme,35.79,54,s-1\n`;
    expect(await readings(text, 'rees46')).toMatchObject([
      {
        topic: 'web-events',
        key: '54',
        value: { event: 'Product Viewed', sessionId: 's-1' },
        recordAt: Date.UTC(2019, 9, 1),
      },
      { topic: 'orders', value: { order: { revenueMinor: 3579 } } },
    ]);
  });
  test('taobao: no header, Unix seconds, free orders', async () =>
    expect(await readings('1,2268318,2520377,pv,1511544070\n1,2,3,buy,1511544071\n', 'taobao')).toMatchObject(
      [
        { topic: 'web-events', value: { event: 'Product Viewed' }, recordAt: 1_511_544_070_000 },
        { topic: 'orders', value: { order: { revenueMinor: 0 } } },
      ],
    ));
  test('retailrocket: visitors are anonymous', async () =>
    expect(
      await readings(
        'timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n1433221332118,257597,transaction,355908,4\n',
        'retailrocket',
      ),
    ).toMatchObject([
      { topic: 'web-events', key: 'anon:v257597' },
      { topic: 'orders', value: { order: { orderId: '4' } } },
    ]));
  test('ga4: parameters are found by their keys', async () => {
    const purchase = {
      event_name: 'purchase',
      event_timestamp: '1609459200000000',
      user_pseudo_id: 'p.1',
      ecommerce: { transaction_id: 'T1', purchase_revenue: 12.5 },
      event_params: [{ key: 'currency', value: { string_value: 'USD' } }],
    };
    const view = {
      event_name: 'page_view',
      event_timestamp: 1_609_459_200_000_000,
      user_pseudo_id: 'p.1',
      device: { category: 'mobile' },
      event_params: [{ key: 'page_location', value: { string_value: '/home' } }],
    };
    const text = [purchase, view, { event_name: 'session_start' }].map(row => JSON.stringify(row)).join('\n');
    expect(await readings(text, 'ga4')).toMatchObject([
      {
        topic: 'orders',
        key: 'anon:p.1',
        recordAt: 1_609_459_200_000,
        value: { order: { revenueMinor: 1250, currency: 'USD' } },
      },
      { topic: 'web-events', value: { type: 'page', page: '/home', deviceType: 'mobile' } },
      { ok: 'ignored' },
    ]);
  });
  test('snowplow: the total without shipping and tax, times corrected by the collector', async () => {
    const text = JSON.stringify({
      event_name: 'transaction',
      event_id: 'e1',
      domain_userid: 'd1',
      collector_tstamp: '2026-01-01 10:00:05.000',
      dvce_created_tstamp: '2026-01-01 09:00:00',
      dvce_sent_tstamp: '2026-01-01 09:00:01',
      tr_orderid: 'o1',
      tr_total: 20,
      tr_shipping: 3,
      tr_tax: 2,
    });
    expect(await readings(text, 'snowplow')).toMatchObject([
      {
        topic: 'orders',
        eventAt: Date.UTC(2026, 0, 1, 10, 0, 4),
        value: { order: { totalMinor: 2000, shippingMinor: 300, taxMinor: 200 } },
      },
    ]);
  });
  test('engagement-intelligence: three tables in one mapping', async () => {
    const table = [
      { customer_id: 'C1', country: 'DE', signup_date: '2025-01-02' },
      { order_id: 'O1', customer_id: 'C1', order_date: '2025-02-03', order_amount: 99.9 },
      { customer_id: 'C1', event_time: '2025-02-03T10:00:00', event_type: 'add_to_cart' },
    ];
    expect(
      await readings(table.map(row => JSON.stringify(row)).join('\n'), 'engagement-intelligence'),
    ).toMatchObject([
      { topic: 'customers', value: { traits: { createdAt: Date.UTC(2025, 0, 2) } } },
      {
        topic: 'orders',
        recordAt: Date.UTC(2025, 1, 3) + 12 * HOUR_MS,
        value: { order: { revenueMinor: 9990 } },
      },
      {
        topic: 'web-events',
        value: { event: 'Product Added' },
        recordAt: Date.UTC(2025, 1, 3) + 10 * HOUR_MS,
      },
    ]);
  });
});

/** Each malformed row with the exact error that it gets. */
test.each([
  [
    'cdnow',
    '1 19970101 1',
    'wrong-columns',
    'the row has 3 columns, the mapping names 4 (customer, date, quantity, dollars). Correct the row or the mapping.',
  ],
  [
    'cdnow',
    '1 19970231 1 2.00',
    'malformed-time',
    'column date is "19970231", which is not a time in the format yyyyMMdd. Correct the row, or the format in the mapping.',
  ],
  [
    'cdnow',
    '1 yesterday 1 2.00',
    'malformed-time',
    'column date is "yesterday", which is not a time in the format yyyyMMdd. Correct the row, or the format in the mapping.',
  ],
  ['cdnow', '1 19970101 1 two', 'malformed-field', 'properties.revenue is "two"; send a number.'],
  [
    'cdnow',
    '1 19970101 1 1e30',
    'out-of-range',
    'properties.revenue is "1e30"; send an amount below 90,000,000,000,000.',
  ],
  [
    'taobao',
    '1,2,3,stare,1511544070',
    'unmapped-value',
    'column behavior is "stare", which the mapping\'s values for event do not name. Add it, or "*" for the rest.',
  ],
  [
    'taobao',
    '1,2,3,pv,soon',
    'malformed-time',
    'column seconds is "soon", which is not a time in the format epochSeconds. Correct the row, or the format in the mapping.',
  ],
  [
    'taobao',
    '1,2,3,pv',
    'wrong-columns',
    'the row has 4 columns, the mapping names 5 (user, item, category, behavior, seconds). Correct the row or the mapping.',
  ],
  ['ga4', '{"event_name":', 'malformed-json', 'the line is not JSON. Send one JSON object a line.'],
  ['ga4', '[1]', 'malformed-json', 'the line is not a JSON object. Send one JSON object a line.'],
  ['ga4', '{"user_id":"1"}', 'missing-event', 'event is missing from a track call; send its name.'],
])('%s refuses %j', async (mapping, row, code, reason) =>
  expect(await readings(row, mapping)).toEqual([{ ok: false, code, reason }]),
);

const VALID = {
  name: 'mine',
  description: 'x',
  format: 'csv',
  columns: ['a'],
  outputs: [{ set: { type: { constant: 'page' } } }],
};
const broken = (change: object): string => JSON.stringify({ ...VALID, ...change });
/** Each malformed mapping with the exact error that it gets. */
test.each([
  ['outputs: [', 'mine.yaml: this is not YAML: '],
  ['just text', 'mine.yaml: the file: Invalid input: expected object, received string.'],
  [broken({ name: 'My Map' }), 'mine.yaml: name: must be lower-case letters, digits and hyphens.'],
  [broken({ description: '' }), 'mine.yaml: description: Too small: expected string to have >=1 characters.'],
  [
    broken({ format: 'xml' }),
    'mine.yaml: format: Invalid option: expected one of "csv"|"jsonl"|"whitespace".',
  ],
  [broken({ outputs: [] }), 'mine.yaml: outputs: Too small: expected array to have >=1 items.'],
  [broken({ colums: ['a'] }), 'mine.yaml: the file: Unrecognized key: "colums".'],
  [
    broken({ columns: undefined }),
    'mine.yaml: columns: is missing. Name the columns of a file without a header row, in order.',
  ],
  [
    broken({ outputs: [{ set: { userId: { column: 'b' } } }] }),
    'mine.yaml: outputs.0.set.userId: there is no column b. Columns: a.',
  ],
  [
    broken({ outputs: [{ when: { c: '1' }, set: {} }] }),
    'mine.yaml: outputs.0.when: there is no column c. Columns: a.',
  ],
  [
    broken({ delimiter: ';;' }),
    'mine.yaml: delimiter: Too big: expected string to have exactly 1 characters.',
  ],
])('a mapping %j is refused', (text, message) => {
  expect(() => parseMapping(text, 'mine.yaml')).toThrow(MappingError);
  expect(() => parseMapping(text, 'mine.yaml')).toThrow(message);
});

test('an unknown mapping is an error that names the known ones', () =>
  expect(() => loadMapping('cdwow')).toThrow(
    'There is no mapping cdwow. Name a file, or one of: cdnow, engagement-intelligence,',
  ));

const cdnow = path.join(
  process.env['RESCORE_DATA'] ?? path.join(__dirname, '..', '..', '..', 'shared', 'data'),
  'cdnow',
  'CDNOW_master.txt',
);
const withData = existsSync(cdnow) ? test : test.skip;
if (!existsSync(cdnow))
  console.warn(
    `NOT RUN: the CDNOW file is not at ${cdnow}; set RESCORE_DATA to the folder that holds cdnow/.`,
  );
withData('every row of the real CDNOW file is an order, and the money is exact', async () => {
  let orders = 0;
  let minor = 0;
  const customers = new Set<string>();
  for await (const { reading } of openReader({ file: cdnow, mapping: loadMapping('cdnow') })) {
    if (reading.ok !== true || reading.topic !== 'orders') throw new Error(JSON.stringify(reading));
    orders++;
    minor += reading.value.order.revenueMinor!;
    customers.add(reading.key);
    expect(reading.recordAt! % DAY_MS).toBe(12 * HOUR_MS);
  }
  expect([orders, minor, customers.size]).toEqual([69_659, 250_031_563, 23_570]);
});
