/** Metrics of what is counted elsewhere: values and labels are what they are at the scrape, and what is gone is gone. */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

export type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>];
type Samples = readonly Sample[] | Promise<readonly Sample[]>;

/** By their names these only grow; whoever reads the type of a metric is told the same. */
const ONLY_GROWS = /_(total|sum|bucket)$/;

export function atScrape(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
  read: () => Samples,
): void {
  const options = { name, help, labelNames, registers: [registry] };
  if (ONLY_GROWS.test(name))
    new Counter({
      ...options,
      async collect() {
        const samples = await read();
        this.reset();
        for (const [value, labels = {}] of samples) this.inc(labels, value);
      },
    });
  else
    new Gauge({
      ...options,
      async collect() {
        const samples = await read();
        this.reset();
        for (const [value, labels = {}] of samples) this.set(labels, value);
      },
    });
}

/** One sample for each key. */
export const byLabel = (label: string, counts: Readonly<Record<string, number | boolean>>): Sample[] =>
  Object.entries(counts).map(([key, count]): Sample => [Number(count), { [label]: key }]);
