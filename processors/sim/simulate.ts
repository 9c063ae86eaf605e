/**
 * One seed from beginning to end: traffic comes, faults happen, calm returns, and then every invariant of
 * docs/delivery.md is checked.
 */
import { MemoryBroker } from '../../streams/memory';
import { createAvroCodec } from '../../streams/avro/codec';
import { MemoryStateStore } from '../state/memory';
import type { Shared } from './cluster';
import { Director } from './director';
import { checkInvariants } from './invariants';
import type { Mutations } from './mutations';
import { makePlan } from './plan';
import type { Plan } from './plan';
import { Random } from './random';
import { SimulatedScorer } from './scorer';
import { StuckError, Turns } from './turns';
import { Witness } from './witness';

export interface SimulationReport {
  seed: number;
  /** Empty when all is well; each begins with the invariant's number. */
  violations: string[];
  /** Equal for two runs of one seed. */
  trace: string;
  turns: number;
  inputs: number;
  published: number;
  /** Batches applied again after the store lost writes. */
  recovered: number;
}

const codec = createAvroCodec();

export async function simulate(seed: number, mutations: Mutations = {}): Promise<SimulationReport> {
  const random = new Random(seed);
  const made = makePlan(seed, random.fork('plan'));
  const plan = { ...made, ...mutations.plan?.(made) };
  const turns = new Turns(plan.startAt, random.fork('turns'));
  const shared: Shared = {
    plan,
    turns,
    random: random.fork('faults'),
    broker: new MemoryBroker(plan.partitions, { unitSize: plan.unitSize, answersEarly: true }),
    store: new MemoryStateStore(),
    scorer: new SimulatedScorer(() => turns.now),
    codec,
    witness: new Witness(plan.partitions),
    mutations,
  };
  const director = new Director(shared);
  try {
    await director.run();
    checkInvariants(shared);
  } catch (error) {
    // What does not come to rest has lag that never returns to zero.
    if (!(error instanceof StuckError)) throw error;
    shared.witness.violate('I9', error.message);
  }
  return report(seed, shared);
}

function report(seed: number, shared: Shared): SimulationReport {
  const { turns, witness, broker, plan } = shared;
  for (const { id, topic, sequence } of broker.published) turns.note(`${sequence}${topic}${id}`);
  let inputs = 0;
  for (let partition = 0; partition < plan.partitions; partition++)
    for (const { counts } of witness.commits[partition]!) inputs += counts?.records ?? 0;
  return {
    seed,
    violations: witness.violations,
    trace: turns.trace,
    turns: turns.taken,
    inputs,
    published: broker.published.length,
    recovered: witness.recovered,
  };
}

/** A part of the plan for people: printed beside a failing seed. */
export function describePlan(plan: Plan): string {
  const { partitions, unitSize, processes, customers, occasions, flood, incidents, lag } = plan;
  const days = ((plan.endAt - plan.startAt) / 86_400_000).toFixed(0);
  return `${partitions} partitions in groups of ${unitSize}, ${processes} processes, ${customers.length} customers, ${occasions} occasions, flood ${flood}, ${days} days, lag ${lag?.topic ?? 'none'}, ${incidents.map(({ kind }) => kind).join(' ')}`;
}
