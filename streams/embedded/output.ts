/** The output log: every published message in the order of publication, with named cursors for its readers. */
import type { OutputTopic } from '../../schemas';
import { OUTPUT_TOPICS } from '../../schemas';
import type { OutgoingMessage } from '../../processors/ports';
import type { Environment } from './environment';
import { MAX_OFFSET, sequenceKey, sequenceOf } from './keys';

export interface OutputRecord {
  sequence: number;
  topic: OutputTopic;
  key: string;
  id: string;
  /** null: a tombstone. */
  value: Uint8Array | null;
}

/** topic (1), tombstone (1), length of key (2), length of id (1), key, id, value. */
function packMessage({ topic, key, id, value }: OutgoingMessage): Buffer {
  const keyBytes = Buffer.byteLength(key);
  const idBytes = Buffer.byteLength(id);
  const packed = Buffer.allocUnsafe(5 + keyBytes + idBytes + (value?.length ?? 0));
  packed[0] = OUTPUT_TOPICS.indexOf(topic);
  packed[1] = value === null ? 1 : 0;
  packed.writeUInt16BE(keyBytes, 2);
  packed[4] = idBytes;
  packed.write(key, 5, 'utf8');
  packed.write(id, 5 + keyBytes, 'utf8');
  if (value !== null) packed.set(value, 5 + keyBytes + idBytes);
  return packed;
}

function unpackMessage(sequence: number, packed: Buffer): OutputRecord {
  const keyEnd = 5 + packed.readUInt16BE(2);
  const idEnd = keyEnd + packed[4]!;
  return {
    sequence,
    topic: OUTPUT_TOPICS[packed[0]!]!,
    key: packed.toString('utf8', 5, keyEnd),
    id: packed.toString('utf8', keyEnd, idEnd),
    value: packed[1] === 1 ? null : packed.subarray(idEnd),
  };
}

export class OutputLog {
  private next: number;

  constructor(private readonly environment: Environment) {
    this.next = this.findHead();
    environment.onRollback(() => this.refresh());
  }

  private findHead(): number {
    const range = { start: sequenceKey(MAX_OFFSET), reverse: true, limit: 1 };
    const [newest] = Array.from(this.environment.output.getKeys(range));
    const mark = this.environment.getDocument<number>('output-next') ?? 0;
    return newest === undefined ? mark : sequenceOf(newest) + 1;
  }

  /** Sequence that the next message will get. */
  head(): number {
    return this.next;
  }

  /** For a reader beside a writer. */
  refresh(): void {
    this.environment.renewSnapshot();
    this.next = this.findHead();
  }

  /** At most `limit` messages from `sequence` on. */
  read(sequence: number, limit: number): OutputRecord[] {
    const range = { start: sequenceKey(sequence), end: sequenceKey(this.next), limit };
    return Array.from(this.environment.output.getRange(range), ({ key, value }) =>
      unpackMessage(sequenceOf(key), value),
    );
  }

  /** Inside a transaction of the environment. */
  appendInTransaction(messages: readonly OutgoingMessage[]): void {
    for (const message of messages)
      this.environment.output.putSync(sequenceKey(this.next++), packMessage(message));
  }

  /** Where a named reader goes on, with a note of its own (sizes of the files that it wrote, say). */
  cursor<T = unknown>(name: string): { sequence: number; note: T | null } {
    return (
      this.environment.getDocument<{ sequence: number; note: T | null }>(`cursor/${name}`) ?? {
        sequence: 0,
        note: null,
      }
    );
  }

  setCursor(name: string, sequence: number, note: unknown = null): void {
    this.environment.write(() => this.environment.putDocument(`cursor/${name}`, { sequence, note }));
  }

  /** Removes messages before `sequence` in small transactions; returns how many. */
  trim(sequence: number): number {
    let removed = 0;
    for (;;) {
      const end = sequenceKey(Math.min(sequence, this.next));
      const keys = Array.from(this.environment.output.getKeys({ end, limit: 1_000 }));
      if (keys.length === 0) return removed;
      this.environment.write(() => {
        for (const key of keys) this.environment.output.removeSync(key);
        this.environment.putDocument('output-next', this.next);
      });
      removed += keys.length;
    }
  }
}
