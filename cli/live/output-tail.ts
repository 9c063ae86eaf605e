/** Follows the output log: scores and alerts go to the stream as soon as they are committed. */
import type { OpenState } from '../embedded';
import { messageAsJson } from '../output/json';
import type { AlertRecord } from '../collector/webhook';
import type { MessageStream } from '../collector/stream';

const PAGE = 1_000;

export class OutputTail {
  private next: number;

  constructor(
    private readonly state: OpenState,
    private readonly stream: Pick<MessageStream, 'send'>,
  ) {
    this.next = state.embedded.output.head();
  }

  /** Sequence that will be read next. */
  get position(): number {
    return this.next;
  }

  /** Sends what is new; returns how many messages that were. */
  pump(): number {
    const records = this.state.embedded.output.read(this.next, PAGE);
    for (const { sequence, topic, value } of records) {
      this.next = sequence + 1;
      if (value === null || (topic !== 'engagement-scores' && topic !== 'engagement-alerts')) continue;
      const body = this.state.codec.decodeOutput(topic, value);
      this.stream.send({
        sequence,
        event: topic === 'engagement-scores' ? 'score' : 'alert',
        customerId: body.customerId,
        kind: 'kind' in body ? body.kind : null,
        data: JSON.stringify(messageAsJson(body)),
      });
    }
    return records.length;
  }
}

/** Alerts of the output log from a sequence on, and where the next read begins. */
export function readAlerts(state: OpenState, from: number): { alerts: AlertRecord[]; next: number } {
  const records = state.embedded.output.read(from, PAGE);
  const alerts = records.flatMap(({ sequence, topic, id, value }): AlertRecord[] =>
    topic !== 'engagement-alerts' || value === null
      ? []
      : [{ sequence, id, alert: state.codec.decodeOutput(topic, value) }],
  );
  const last = records[records.length - 1];
  return { alerts, next: last === undefined ? from : last.sequence + 1 };
}
