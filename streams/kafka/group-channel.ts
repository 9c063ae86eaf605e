/** The producer that the lanes of a group share, and their turns with it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Outbox } from '../../processors/ports';

/** How long a transaction waits for other lanes of its group, ms. */
const GATHER_MS = 2;

/** A publisher that was overtaken, or whose last transaction ended in the dark: fence again. */
export class ProducerLostError extends Error {
  override readonly name = 'ProducerLostError';
}

/** Messages and positions, together where there are transactions. Of no more use after an error. */
export interface Sender {
  send(batch: readonly Publication[]): Promise<void>;
  /** Resolves when everybody sees what it has sent, positions included. @throws when another has taken its place */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** A lane's turn: to publish an outbox, or to be fenced. */
interface Waiting {
  partition: number;
  outbox: Outbox | null;
  resolve: () => void;
  reject: (error: Error) => void;
}

export type Publication = Waiting & { outbox: Outbox };

/**
 * One producer and what waits for its next transaction. Lanes share it, but not what they know, hence two rules.
 *
 * A lane publishes only with the producer that it has fenced with itself, before it looks at token and K: one that was
 * stopped in between may have been replaced, and a neighbour's lane may have opened a newer producer since, which is
 * nobody's zombie.
 *
 * To be fenced is more than to find a producer open: the broker answers the end of a transaction before its positions
 * can be read, and who reads the K of before publishes again. So the transaction before is waited for.
 */
export class GroupChannel {
  private sender: Promise<Sender> | null = null;
  /** The producer that was open when a partition was fenced last. */
  private readonly fencedWith = new Map<number, Promise<Sender>>();
  private waiting: Waiting[] = [];
  private isBusy = false;
  private isClosed = false;

  constructor(
    private readonly unit: number,
    /** Partitions that share the producer. */
    private readonly lanes: number,
    private readonly open: () => Promise<Sender>,
  ) {}

  /** From now on the partition may publish, nobody else may, and K says all that was published. */
  fence(partition: number): Promise<void> {
    return this.queue(partition, null);
  }

  publish(partition: number, outbox: Outbox): Promise<void> {
    return this.queue(partition, outbox);
  }

  private queue(partition: number, outbox: Outbox | null): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ partition, outbox, resolve, reject });
      if (!this.isBusy) void this.work();
    });
  }

  /** Everything that waits to be published goes into one transaction; what comes meanwhile into the next. */
  private async work(): Promise<void> {
    this.isBusy = true;
    // The others of the group are ready in nearly the same moment: from then on they keep step.
    if (this.lanes > 1) await delay(GATHER_MS);
    while (this.waiting.length > 0) {
      const { waiting } = this;
      this.waiting = [];
      await together(waiting.filter(isFencing), lanes => this.fenceAll(lanes));
      await together(this.takeFenced(waiting.filter(isPublication)), batch => this.send(batch));
    }
    this.isBusy = false;
  }

  private async fenceAll(lanes: readonly Waiting[]): Promise<void> {
    if (this.isClosed) throw new ProducerLostError(`Group ${this.unit} was given up.`);
    await this.settle();
    this.sender ??= this.open();
    const opening = this.sender;
    try {
      await opening;
    } catch (error) {
      if (this.sender === opening) this.sender = null;
      throw error;
    }
    for (const { partition } of lanes) this.fencedWith.set(partition, opening);
  }

  /** Leaves a producer that is still the newest of its group, with nothing under way, or none. */
  private async settle(): Promise<void> {
    const held = this.sender;
    try {
      await (await held)?.settle();
    } catch {
      this.discard(held!);
    }
  }

  /** What waits, without those whose lane knows another producer: they are turned away. */
  private takeFenced(waiting: readonly Publication[]): Publication[] {
    const { sender, fencedWith, unit } = this;
    const isFenced = ({ partition }: Waiting): boolean =>
      sender !== null && fencedWith.get(partition) === sender;
    for (const { partition, reject } of waiting.filter(one => !isFenced(one)))
      reject(
        new ProducerLostError(
          `The producer of group ${unit} is not the one that partition ${partition} knows: it must be fenced first.`,
        ),
      );
    return waiting.filter(isFenced);
  }

  private async send(batch: readonly Publication[]): Promise<void> {
    const opened = this.sender!;
    try {
      await (await opened).send(batch);
    } catch (error) {
      // Nothing is known of the outcome, and the producer can't be used any more.
      this.discard(opened);
      throw error;
    }
  }

  private discard(sender: Promise<Sender>): void {
    if (this.sender === sender) this.sender = null;
    void sender.then(opened => opened.close()).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const opened = this.sender;
    this.sender = null;
    this.fencedWith.clear();
    await opened?.then(sender => sender.close()).catch(() => undefined);
  }
}

const isPublication = (one: Waiting): one is Publication => one.outbox !== null;
const isFencing = (one: Waiting): boolean => one.outbox === null;

/** What becomes of the work becomes of everybody who waits for it. */
async function together<T extends Waiting>(
  waiting: readonly T[],
  work: (all: readonly T[]) => Promise<void>,
): Promise<void> {
  if (waiting.length === 0) return;
  try {
    await work(waiting);
    for (const { resolve } of waiting) resolve();
  } catch (error) {
    for (const { reject } of waiting) reject(error as Error);
  }
}
