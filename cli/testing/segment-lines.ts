/** Small files in the Segment shape for tests of commands. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../schemas';

export const T0 = Date.UTC(2024, 0, 1);
export const iso = (at: number): string => new Date(at).toISOString();

let made = 0;
const id = (): string => `m${made++}`;

export const page = (
  userId: string,
  at: number,
  over: Record<string, unknown> = {},
): Record<string, unknown> => ({
  messageId: id(),
  type: 'page',
  userId,
  timestamp: iso(at),
  properties: { path: '/' },
  ...over,
});

export const order = (
  userId: string,
  at: number,
  revenue: number,
  over: Record<string, unknown> = {},
): Record<string, unknown> => ({
  messageId: id(),
  type: 'track',
  event: 'Order Completed',
  userId,
  timestamp: iso(at),
  properties: { order_id: `o${made}`, revenue },
  ...over,
});

export const profile = (userId: string, at: number, createdAt: number): Record<string, unknown> => ({
  messageId: id(),
  type: 'identify',
  userId,
  timestamp: iso(at),
  traits: { createdAt: iso(createdAt) },
});

export const lines = (rows: (Record<string, unknown> | string)[]): string =>
  rows.map(row => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n') + '\n';

/** `customers` who visit on some of `days` days, deterministically irregular; some order. In no order of time. */
export function smallShop(customers: number, days: number): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = [];
  for (let customer = 0; customer < customers; customer++) {
    const name = `c${String(customer).padStart(4, '0')}`;
    for (let day = 0; day < days; day++) {
      const draw = (customer * 7_919 + day * 104_729) % 97;
      if (draw >= 12) continue;
      const at = T0 + day * DAY_MS + (draw % 24) * HOUR_MS + customer * 1_000;
      for (let event = 0; event <= draw % 4; event++) rows.push(page(name, at + event * 3 * MINUTE_MS));
      if (draw === 3) rows.push(order(name, at + 20 * MINUTE_MS, 10 + customer / 100));
    }
  }
  return rows;
}
