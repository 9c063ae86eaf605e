/** Server-sent events: every new score and alert to whoever listens, with a short memory for those who come back. */
import type { ServerResponse } from 'node:http';

export interface StreamMessage {
  /** Sequence in the output log: the event's id, so that a reader can say where it was. */
  sequence: number;
  event: 'score' | 'alert';
  customerId: string;
  /** Of an alert. */
  kind: string | null;
  /** JSON of the message. */
  data: string;
}

/** Null: any. */
export interface StreamFilter {
  customers: readonly string[] | null;
  kinds: readonly string[] | null;
}

/** Messages kept for readers that come back, and bytes that a slow reader may be behind. */
const REMEMBERED = 1_000;
const MAX_BEHIND_BYTES = 1_048_576;

const textOf = ({ sequence, event, data }: StreamMessage): string =>
  `id: ${sequence}\nevent: ${event}\ndata: ${data}\n\n`;

const isWanted = ({ customerId, kind }: StreamMessage, filter: StreamFilter): boolean =>
  (filter.customers === null || filter.customers.includes(customerId)) &&
  (filter.kinds === null || (kind !== null && filter.kinds.includes(kind)));

export class MessageStream {
  readonly metrics = { readers: 0, sent: 0, slowReaders: 0 };
  private readonly readers = new Map<ServerResponse, StreamFilter>();
  private readonly remembered: StreamMessage[] = [];
  private isClosed = false;

  /** `after`: the last id that the reader has seen; NaN for none. */
  open(
    response: ServerResponse,
    filter: StreamFilter,
    after: number,
    headers: Readonly<Record<string, string>> = {},
  ): void {
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      connection: 'keep-alive',
    });
    if (this.isClosed) return void response.end();
    response.write(': connected\n\n');
    for (const message of this.remembered)
      if (message.sequence > after && isWanted(message, filter)) response.write(textOf(message));
    this.readers.set(response, filter);
    this.metrics.readers = this.readers.size;
    response.on('close', () => this.forget(response));
  }

  send(message: StreamMessage): void {
    this.remembered.push(message);
    if (this.remembered.length > REMEMBERED) this.remembered.shift();
    const text = textOf(message);
    for (const [response, filter] of this.readers) {
      if (!isWanted(message, filter)) continue;
      if (response.writableLength > MAX_BEHIND_BYTES) this.drop(response);
      else {
        response.write(text);
        this.metrics.sent++;
      }
    }
  }

  /** Keeps proxies from closing a quiet connection. */
  beat(): void {
    for (const response of this.readers.keys()) response.write(': still here\n\n');
  }

  /** A reader that can't keep up may come back with Last-Event-ID. */
  private drop(response: ServerResponse): void {
    this.metrics.slowReaders++;
    this.forget(response);
    response.destroy();
  }

  private forget(response: ServerResponse): void {
    this.readers.delete(response);
    this.metrics.readers = this.readers.size;
  }

  /** Ends every stream; one that is asked for later ends at once. */
  close(): void {
    this.isClosed = true;
    for (const response of this.readers.keys()) response.end();
    this.readers.clear();
  }
}
