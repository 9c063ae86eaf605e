/** `make sim`: runs seeds and prints the command that replays a failing one. */
import { INVARIANTS } from './invariants';
import { makePlan } from './plan';
import { Random } from './random';
import { describePlan, simulate } from './simulate';

interface Arguments {
  from: number;
  count: number;
}

function parse(argv: readonly string[]): Arguments {
  const valueOf = (name: string): number | null => {
    const at = argv.indexOf(name);
    if (at < 0) return null;
    const value = Number(argv[at + 1]);
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw new Error(`${name} needs a whole number, not ${argv[at + 1] ?? 'nothing'}.`);
  };
  const seed = valueOf('--seed');
  return seed === null
    ? { from: valueOf('--from') ?? 0, count: valueOf('--seeds') ?? 300 }
    : { from: seed, count: 1 };
}

async function run({ from, count }: Arguments): Promise<number> {
  const unhandled: string[] = [];
  process.on('unhandledRejection', reason => unhandled.push(String(reason)));
  const total = { turns: 0, inputs: 0, published: 0, recovered: 0, failed: 0 };
  for (let seed = from; seed < from + count; seed++) {
    const report = await simulate(seed);
    for (const reason of unhandled.splice(0)) report.violations.push(`I10: unhandled rejection: ${reason}`);
    for (const name of ['turns', 'inputs', 'published', 'recovered'] as const) total[name] += report[name];
    if (report.violations.length > 0) {
      total.failed++;
      fail(seed, report.violations);
    } else if (count === 1) process.stdout.write(`${JSON.stringify(report)}\n`);
    if ((seed - from + 1) % 500 === 0)
      process.stdout.write(`${seed - from + 1} seeds, ${total.failed} failed\n`);
  }
  process.stdout.write(
    `${count} seeds from ${from}: ${total.failed} failed; ${total.turns} turns, ${total.inputs} inputs, ` +
      `${total.published} messages, ${total.recovered} recovered batches\n`,
  );
  return total.failed === 0 ? 0 : 1;
}

function fail(seed: number, violations: readonly string[]): void {
  process.stderr.write(`seed ${seed}: ${describePlan(makePlan(seed, new Random(seed).fork('plan')))}\n`);
  for (const violation of violations.slice(0, 10)) {
    const name = violation.slice(0, violation.indexOf(':')) as keyof typeof INVARIANTS;
    process.stderr.write(`  ${violation} (${INVARIANTS[name]})\n`);
  }
  process.stderr.write(`  again: make sim SEED=${seed}\n`);
}

const started = process.hrtime.bigint();
void run(parse(process.argv.slice(2))).then(code => {
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  process.stdout.write(`${seconds.toFixed(1)} s\n`);
  process.exitCode = code;
});
