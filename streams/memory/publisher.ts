/**
 * Publisher over a MemoryBroker, in the two steps of a Kafka lane: mail by a plain producer, then messages and
 * positions in one transaction, by a producer that the partitions of a group share. A simulation that crashes between
 * the two calls `sendMail` alone.
 */
import type { Outbox, Publisher } from '../../processors/ports';
import { ProducerFencedError } from './broker';
import type { MemoryBroker } from './broker';

export class MemoryPublisher implements Publisher {
  /** The open producer of each group, by its epoch. */
  private readonly producers = new Map<number, number>();
  /** The producer that was open when a partition was fenced last. */
  private readonly fencedWith = new Map<number, number>();

  constructor(protected readonly broker: MemoryBroker) {}

  async fence(partition: number): Promise<void> {
    const unit = this.broker.unitOf(partition);
    const held = this.producers.get(unit);
    const epoch = held !== undefined && this.settles(unit, held) ? held : this.broker.fence(unit);
    this.producers.set(unit, epoch);
    this.fencedWith.set(partition, epoch);
  }

  /** Waits for the end of the group's last transaction; false when another producer has fenced this one. */
  protected settles(unit: number, producer: number): boolean {
    try {
      this.broker.begin(unit, producer);
      return true;
    } catch {
      return false;
    }
  }

  /** A neighbour may have opened another one since. */
  protected isFencedWith(partition: number, producer: number): boolean {
    return this.fencedWith.get(partition) === producer;
  }

  /** @throws ProducerFencedError when another publisher has fenced the partition; its mail is out by then. */
  async publish(partition: number, outbox: Outbox): Promise<void> {
    this.sendMail(outbox);
    const producer = this.producers.get(this.broker.unitOf(partition));
    if (producer === undefined || !this.isFencedWith(partition, producer))
      throw new ProducerFencedError(`Partition ${partition} must be fenced first.`);
    try {
      this.broker.transact(partition, producer, outbox.messages, { ...outbox.to, epoch: outbox.epoch });
    } catch (error) {
      this.lose(partition);
      throw error;
    }
  }

  /** What became of the last transaction of the group is not known: its producer is of no more use. */
  lose(partition: number): void {
    this.producers.delete(this.broker.unitOf(partition));
  }

  /** Nothing drops a repeat here: the target lane knows it by its origin. */
  sendMail({ mail }: Outbox): void {
    for (const { to, partition, recordAt, value } of mail)
      this.broker.append('customer-mail', partition, [{ key: to, recordAt, value }]);
  }
}
