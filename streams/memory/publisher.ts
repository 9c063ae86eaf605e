/**
 * Publisher over a MemoryBroker, in the two steps of a Kafka lane: mail by a plain producer, then messages and
 * positions in one transaction. A simulation that crashes between the two calls `sendMail` alone.
 */
import type { Outbox, Publisher } from '../../processors/ports';
import type { MemoryBroker } from './broker';

export class MemoryPublisher implements Publisher {
  private readonly epochs = new Map<number, number>();

  constructor(private readonly broker: MemoryBroker) {}

  async fence(partition: number): Promise<void> {
    this.epochs.set(partition, this.broker.fence(partition));
  }

  /** @throws ProducerFencedError when another publisher has fenced the partition; its mail is out by then. */
  async publish(partition: number, outbox: Outbox): Promise<void> {
    this.sendMail(outbox);
    this.broker.transact(partition, this.epochs.get(partition), outbox.messages, {
      ...outbox.to,
      epoch: outbox.epoch,
    });
  }

  /** Nothing drops a repeat here: the target lane knows it by its origin. */
  sendMail({ mail }: Outbox): void {
    for (const { to, partition, recordAt, value } of mail)
      this.broker.append('customer-mail', partition, [{ key: to, recordAt, value }]);
  }
}
