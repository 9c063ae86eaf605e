/** The producer that the lanes of a group share, and their turns with it. */
import type { Outbox } from '../../processors/ports';
import { Expectations } from './expectations';

/** How long a transaction waits for lanes that have announced themselves, ms: about what one needs to prepare a batch. */
const GATHER_MS = 8;
/**
 * A transaction that was begun ahead is given up when nobody came for so long, ms. The broker would abort it after a
 * minute, and its producer with it.
 */
const ABANDON_MS = 5_000;

/** A publisher that was overtaken, or whose last transaction ended in the dark: fence again. */
export class ProducerLostError extends Error {
  override readonly name = 'ProducerLostError';
}

/** Messages and positions, together where there are transactions. Of no more use after an error. */
export interface Sender {
  /** Ahead of `send`, for these partitions: what can be done before their outboxes are there. Never throws. */
  begin?(partitions: readonly number[]): void;
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
 *
 * A transaction costs the same for one lane and for all, so lanes announce what they prepare, and the next transaction
 * waits for them, a moment. Without that they come in turns, two now and two while these are on their way, and stay so.
 */
export class GroupChannel {
  private sender: Promise<Sender> | null = null;
  /** What `sender` has become. */
  private opened: Sender | null = null;
  /** The producer that was open when a partition was fenced last. */
  private readonly fencedWith = new Map<number, Promise<Sender>>();
  private waiting: Waiting[] = [];
  private readonly expected = new Expectations();
  /** Lanes of the last transaction: likely those of the next one, too. */
  private latest: readonly number[] = [];
  /** Not null while a transaction waits for lanes. */
  private onArrival: (() => void) | null = null;
  private abandoning: NodeJS.Timeout | null = null;
  private isBusy = false;
  private isClosed = false;

  constructor(
    private readonly unit: number,
    private readonly open: () => Promise<Sender>,
  ) {}

  /** The lane prepares a batch, and will publish it in a moment: the next transaction waits for it, and begins. */
  announce(partition: number): void {
    if (this.sender === null || this.fencedWith.get(partition) !== this.sender) return;
    this.expected.announce(partition);
    if (!this.isBusy) this.beginAhead();
  }

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
      if (outbox === null) this.expected.forget(partition);
      else this.expected.came(partition);
      this.onArrival?.();
      if (!this.isBusy) void this.work();
    });
  }

  /** Everything that waits to be published goes into one transaction; what comes meanwhile into the next. */
  private async work(): Promise<void> {
    this.isBusy = true;
    while (this.waiting.length > 0) {
      await this.gather();
      const { waiting } = this;
      this.waiting = [];
      await together(waiting.filter(isFencing), lanes => this.fenceAll(lanes));
      await together(this.takeFenced(waiting.filter(isPublication)), batch => this.send(batch));
      this.beginAhead();
    }
    this.isBusy = false;
  }

  /** Resolves when all who announced themselves are here. Who takes too long is not waited for again. */
  private async gather(): Promise<void> {
    const missing = (): number[] => this.expected.missing(this.waiting);
    if (missing().length === 0) return;
    await new Promise<void>(resolve => {
      const timer = setTimeout(() => {
        for (const partition of missing()) this.expected.forget(partition);
        resolve();
      }, GATHER_MS);
      this.onArrival = () => {
        if (missing().length > 0) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.onArrival = null;
  }

  /** For who was announced and for who will likely follow: they announce themselves in nearly the same moment. */
  private beginAhead(): void {
    const lanes = this.expected.lanes();
    if (lanes.length === 0 || this.opened?.begin === undefined) return;
    this.opened.begin([...new Set([...lanes, ...this.latest])]);
    if (this.abandoning !== null) return;
    this.abandoning = setTimeout(() => void this.abandon(), ABANDON_MS);
    this.abandoning.unref();
  }

  private async abandon(): Promise<void> {
    this.abandoning = null;
    if (this.isBusy) return;
    this.isBusy = true;
    await this.settle();
    await this.work();
  }

  /** What was begun ahead comes to an end. */
  private endAhead(): void {
    if (this.abandoning !== null) clearTimeout(this.abandoning);
    this.abandoning = null;
  }

  private async fenceAll(lanes: readonly Waiting[]): Promise<void> {
    if (this.isClosed) throw new ProducerLostError(`Group ${this.unit} was given up.`);
    await this.settle();
    this.sender ??= this.open();
    const opening = this.sender;
    try {
      this.opened = await opening;
    } catch (error) {
      if (this.sender === opening) this.sender = null;
      throw error;
    }
    for (const { partition } of lanes) this.fencedWith.set(partition, opening);
  }

  /** Leaves a producer that is still the newest of its group, with nothing under way, or none. */
  private async settle(): Promise<void> {
    this.endAhead();
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
    this.endAhead();
    this.latest = batch.map(({ partition }) => partition);
    try {
      await (await opened).send(batch);
    } catch (error) {
      // Nothing is known of the outcome, and the producer can't be used any more.
      this.discard(opened);
      throw error;
    }
  }

  private discard(sender: Promise<Sender>): void {
    if (this.sender === sender) this.sender = this.opened = null;
    void sender.then(opened => opened.close()).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.endAhead();
    const opened = this.sender;
    this.sender = this.opened = null;
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
