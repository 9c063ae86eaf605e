/** Runs the processes of a simulation, sends its traffic and makes its incidents happen. */
import type { EpochMs } from '../../schemas';
import { INPUT_TOPICS, MINUTE_MS, SECOND_MS } from '../../schemas';
import { partitionOf } from '../../streams/partitioner';
import type { LaneStep } from '../runner';
import { RESTART_MS, SimulatedProcess, isExpectedEnd } from './cluster';
import type { Shared } from './cluster';
import type { Incident } from './plan';
import { makeTraffic } from './traffic';
import type { Actor } from './turns';
import type { Backup } from './witness';

const MAX_TURNS = 400_000;
/** Of the group. */
const SESSION_MS = 6 * SECOND_MS;

export class Director {
  private readonly processes: SimulatedProcess[] = [];
  private incarnations = 0;
  private readonly owners: number[];
  private readonly actors: Actor[] = [];
  private stepFaults: Extract<Incident, { kind: 'stepFault' }>[] = [];
  private readonly backups: { at: EpochMs; backup: Backup }[] = [];
  private isOver = false;

  constructor(private readonly shared: Shared) {
    const { plan } = shared;
    for (let slot = 0; slot < plan.processes; slot++) this.processes[slot] = this.spawn(slot);
    this.owners = Array.from(
      { length: plan.partitions },
      (_, partition) => shared.broker.unitOf(partition) % plan.processes,
    );
  }

  async run(): Promise<void> {
    const { plan, turns } = this.shared;
    this.owners.forEach((slot, partition) => this.processes[slot]!.run(partition));
    this.play('producer', () => this.produce());
    this.play('incidents', () => this.makeIncidents());
    if (plan.losesWrites) this.play('backups', () => this.takeBackups());
    this.play('end', async actor => {
      await turns.sleep(actor, plan.endAt - turns.now);
      // Schedulers go on appending ticks: it ends when a lane has just read them all.
      while (!this.isRead() && turns.now < plan.endAt + 10 * plan.idleMs)
        await turns.sleep(actor, plan.idleMs / 7);
      this.isOver = true;
    });
    await turns.run(() => this.isOver, MAX_TURNS);
    await this.drain();
  }

  private isRead(): boolean {
    const { broker, witness } = this.shared;
    return witness.commits.every((history, partition) =>
      INPUT_TOPICS.every(
        topic => (history[history.length - 1]?.to[topic] ?? 0) === broker.endOf(topic, partition),
      ),
    );
  }

  /** Everybody finishes what was read. */
  private async drain(): Promise<void> {
    const { turns } = this.shared;
    for (const process of this.processes)
      for (const partition of process.lanes.keys()) process.stop(partition);
    const running = (): boolean =>
      this.processes.some(process => [...process.lanes.values()].some(({ ended }) => !ended));
    await turns.run(() => !running(), MAX_TURNS);
  }

  private play(name: string, script: (actor: Actor) => Promise<void>): void {
    const actor: Actor = { name, state: 'running' };
    this.actors.push(actor);
    void script(actor);
  }

  private spawn(slot: number): SimulatedProcess {
    return new SimulatedProcess(
      `process-${slot}.${++this.incarnations}`,
      this.shared,
      (process, error) => this.exit(process, error),
      (process, step) => this.atStep(process, step),
    );
  }

  /** Errors that no new claim mends end the process; the supervisor starts it again. */
  private exit(process: SimulatedProcess, error: Error): void {
    if (!isExpectedEnd(error)) this.shared.witness.violate('I10', `${error.name}: ${error.message}`);
    this.crash(process);
  }

  private crash(process: SimulatedProcess): void {
    const slot = this.processes.indexOf(process);
    if (slot < 0 || !process.isAlive) return;
    process.kill();
    this.play(`supervisor-${slot}`, async actor => {
      await this.shared.turns.sleep(actor, RESTART_MS);
      this.processes[slot] = this.spawn(slot);
      this.owners.forEach((owner, partition) => {
        if (owner === slot) this.processes[slot]!.run(partition);
      });
    });
  }

  private async produce(): Promise<void> {
    const { plan, turns, broker, random, codec } = this.shared;
    const actor = this.actors.find(({ name }) => name === 'producer')!;
    const { customers, startAt, trafficEndAt: endAt, occasions, flood, erasures } = plan;
    const sent = makeTraffic({
      random: random.fork('traffic'),
      codec,
      customers,
      startAt,
      endAt,
      occasions,
      flood,
      erasures,
    });
    for (const { at, topic, key, value } of sent) {
      if (at > turns.now) await turns.sleep(actor, at - turns.now);
      broker.append(topic, partitionOf(key, plan.partitions), [{ key, value, recordAt: turns.now }]);
    }
  }

  private async takeBackups(): Promise<void> {
    const { plan, turns, witness, store } = this.shared;
    const actor = this.actors.find(({ name }) => name === 'backups')!;
    while (turns.now < plan.calmAt) {
      // An emptied store is damage that lanes refuse; here it only loses what was written lately.
      const backup = witness.backup(store);
      const isWhole = this.owners.every(
        (_, partition) => backup.snapshot.partitions.get(partition)?.positions,
      );
      if (isWhole) this.backups.push({ at: turns.now, backup });
      await turns.sleep(actor, Math.min(3_600_000, (plan.calmAt - plan.startAt) / 40));
    }
  }

  private async makeIncidents(): Promise<void> {
    const { plan, turns } = this.shared;
    const actor = this.actors.find(({ name }) => name === 'incidents')!;
    for (const incident of plan.incidents) {
      if (incident.at > turns.now) await turns.sleep(actor, incident.at - turns.now);
      this.happen(incident);
    }
  }

  private happen(incident: Incident): void {
    const { random, broker, scorer, plan, mutations } = this.shared;
    const process = random.pick(this.processes);
    const partition = random.int(plan.partitions);
    switch (incident.kind) {
      case 'kill':
        return this.crash(process);
      case 'terminate':
        return this.terminate(process);
      case 'stop':
        return this.freeze(process, incident.forMs);
      case 'stepFault':
        return void this.stepFaults.push(incident);
      case 'rollback':
        return this.rollBack(incident);
      case 'move':
        return this.move(partition, incident.zombieMs);
      case 'markers':
        return broker.skip(
          random.pick(['web-events', 'orders', 'customers']),
          partition,
          random.between(1, 3),
        );
      case 'expireCommitted':
        return broker.setCommitted(partition, null);
      case 'swapModel':
        scorer.swap(incident.isSound);
        if (mutations.trustsEverything === true) scorer.forged = FORGED;
    }
  }

  /** SIGTERM: the lanes end by themselves, then the process is started again. */
  private terminate(process: SimulatedProcess): void {
    const slot = this.processes.indexOf(process);
    for (const partition of process.lanes.keys()) process.stop(partition);
    this.play(`terminator-${slot}`, async actor => {
      await this.shared.turns.sleep(actor, RESTART_MS);
      if (this.processes[slot] === process && process.isAlive) this.crash(process);
    });
  }

  /** Frozen, then continued, as by SIGSTOP and SIGCONT: it may own nothing any more. */
  private freeze(process: SimulatedProcess, forMs: number): void {
    const { turns, plan } = this.shared;
    if (process.actor.state !== 'running') return;
    process.actor.state = 'stopped';
    if (forMs > SESSION_MS) this.expire(process, forMs);
    this.play('thaw', async actor => {
      await turns.sleep(actor, Math.min(forMs, Math.max(0, plan.calmAt - turns.now)));
      if (process.isAlive) process.actor.state = 'running';
    });
  }

  /** Who is silent for longer than its session loses what it has, and learns of it some time after it goes on. */
  private expire(process: SimulatedProcess, forMs: number): void {
    const { turns, random, plan } = this.shared;
    const zombieMs = forMs + random.int(MINUTE_MS);
    this.play('session', async actor => {
      await turns.sleep(actor, SESSION_MS);
      const slot = this.processes.indexOf(process);
      if (process.actor.state !== 'stopped' || slot < 0) return;
      for (let partition = 0; partition < plan.partitions; partition += plan.unitSize)
        if (this.owners[partition] === slot) this.move(partition, zombieMs - SESSION_MS);
    });
  }

  private rollBack({ at, lostMs }: Extract<Incident, { kind: 'rollback' }>): void {
    const found = this.backups.filter(backup => backup.at <= at - lostMs).pop();
    if (found !== undefined) this.shared.witness.rollBack(this.shared.store, found.backup);
  }

  /** A whole group: the new owner starts at once, the old one learns of it later. */
  private move(partition: number, zombieMs: number): void {
    const { random, turns, broker } = this.shared;
    const from = this.processes[this.owners[partition]!]!;
    const to = random.int(this.processes.length);
    if (this.processes[to] === from) return;
    const group = [...this.owners.keys()].filter(one => broker.unitOf(one) === broker.unitOf(partition));
    for (const one of group) {
      this.owners[one] = to;
      this.processes[to]!.run(one);
    }
    this.play('rebalance', async actor => {
      await turns.sleep(actor, zombieMs);
      for (const one of group) if (this.processes[this.owners[one]!] !== from) from.stop(one);
    });
  }

  /** Kills or freezes whoever comes first to a step that the plan names. */
  private async atStep(process: SimulatedProcess, step: LaneStep): Promise<void> {
    const { turns, plan } = this.shared;
    if (this.stepFaults.length === 0 || turns.now >= plan.calmAt) return;
    const found = this.stepFaults.findIndex(fault => fault.step === step);
    if (found < 0) return;
    const [fault] = this.stepFaults.splice(found, 1);
    if (fault!.fault === 'kill') this.crash(process);
    else this.freeze(process, fault!.forMs);
    // The dead never come back from here; the frozen do when they may.
    await turns.turn(process.actor);
  }
}

/** Of a model that nobody verified. */
const FORGED = [{ name: 'simulated', version: 'forged' }];
