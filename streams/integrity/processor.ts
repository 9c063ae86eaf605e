/**
 * A real processor of the tests: real Kafka, real Redis, the formulas of the simulation as models (so that a ledger can
 * be checked by arithmetic), and faults on request. Settings come from the environment, as in production.
 *
 * STOP_AT=<step>:<n> stops the whole process (SIGSTOP) when it reaches that step of a lane or of its publication for the
 * n-th time, DIE_AT kills it there, TERM_AT asks it there to end (SIGTERM). SILENCE_MS is how long brokers may be silent
 * before it ends.
 */
import { readSettings } from '../../cli/settings';
import { systemClock } from '../../cli/clock';
import { openProbes } from '../../cli/cluster/probes';
import { startWorker } from '../../cli/cluster/worker';
import { SimulatedScorer } from '../../processors/sim/scorer';
import type { LaneStep } from '../../processors/runner';
import type { SendStep } from '../kafka';

type Step = LaneStep | SendStep;

interface Fault {
  step: Step;
  nth: number;
  signal: 'SIGSTOP' | 'SIGKILL' | 'SIGTERM';
}

function faultOf(text: string | undefined, signal: Fault['signal']): Fault[] {
  const [step, nth] = (text ?? '').split(':');
  return step === undefined || step === '' ? [] : [{ step: step as Step, nth: Number(nth), signal }];
}

async function main(): Promise<void> {
  const { STOP_AT, DIE_AT, TERM_AT, SILENCE_MS, ...env } = process.env;
  const faults = [
    ...faultOf(STOP_AT, 'SIGSTOP'),
    ...faultOf(DIE_AT, 'SIGKILL'),
    ...faultOf(TERM_AT, 'SIGTERM'),
  ];
  const { settings, problems } = readSettings(env, null);
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const reached = new Map<Step, number>();
  const reach = (step: Step): void => {
    const times = (reached.get(step) ?? 0) + 1;
    reached.set(step, times);
    for (const fault of faults)
      if (fault.step === step && fault.nth === times) {
        process.stdout.write(`fault ${step} ${times}\n`);
        process.kill(process.pid, fault.signal);
      }
  };
  const worker = await startWorker({
    settings: settings.values,
    scoring: () => Promise.resolve({ scorer: new SimulatedScorer() }),
    clock: systemClock,
    stop,
    onNote: line => process.stderr.write(`${line}\n`),
    onStep: (_partition, step) => reach(step),
    onSend: reach,
    ...(SILENCE_MS === undefined ? {} : { silenceMs: Number(SILENCE_MS) }),
  });
  const probes = await openProbes(settings.values, worker, stop.signal);
  process.stdout.write(`Watch: ${probes.url}/metrics\n`);
  process.stdout.write('joined\n');
  await worker.done;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(
      `fatal: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
