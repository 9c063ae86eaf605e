/** History for a replay: slices of rows go into the log together with how far the source was read. */
import type { EpochMs, InputTopic } from '../../schemas';
import type { Environment } from './environment';
import type { EmbeddedLog } from './log';

interface Row {
  topic: InputTopic;
  key: string;
  recordAt: EpochMs;
  value: Uint8Array;
}

export class EmbeddedHistory {
  constructor(
    private readonly environment: Environment,
    private readonly log: EmbeddedLog,
    /** Of the source: a state that has read another one counts anew. */
    private readonly name: string,
  ) {}

  appended(): number {
    return this.environment.getDocument<number>(`history/${this.name}`) ?? 0;
  }

  appendSlice(records: readonly Row[], appended: number): Promise<void> {
    this.environment.write(() => {
      for (const { topic, ...record } of records)
        this.log.appendInTransaction(topic, this.log.partitionOf(record.key), [record]);
      this.environment.putDocument(`history/${this.name}`, appended);
    });
    return Promise.resolve();
  }
}
